"""The square root of the length is forgotten."""

EXPECTED = {"test_nearest": 0}
REPLACE = {"nearest": {".norm(dim=1)": ".square().sum(1)"}}
