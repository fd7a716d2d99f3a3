"""The weight is that of the attacked image."""

EXPECTED = {"test_consistency": 0}
REPLACE = {"consistency": {"clean.scatter(1": "attacked.scatter(1", "clean.logsumexp(1)": "attacked.logsumexp(1)"}}
