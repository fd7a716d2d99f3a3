"""There is no weight."""

EXPECTED = {"test_consistency": 0}
REPLACE = {"consistency": {"weight.detach() * distance": "distance"}}
