"""The weight is differentiated too."""

EXPECTED = {"test_consistency": 0}
REPLACE = {"consistency": {"weight.detach()": "weight"}}
