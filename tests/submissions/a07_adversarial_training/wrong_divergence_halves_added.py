"""The two halves are added."""

EXPECTED = {"test_consistency": 0}
REPLACE = {"consistency": {").sum(1) / 2": ").sum(1)"}}
