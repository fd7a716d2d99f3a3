"""The square root, which is a distance."""

EXPECTED = {"test_consistency": 0}
REPLACE = {"consistency": {"weight.detach() * distance": "weight.detach() * distance.clamp_min(0).sqrt()"}}
