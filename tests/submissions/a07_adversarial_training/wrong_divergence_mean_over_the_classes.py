"""A mean over the classes."""

EXPECTED = {"test_consistency": 0}
REPLACE = {"consistency": {").sum(1) / 2": ").mean(1) / 2"}}
