"""The variance is divided by R."""

EXPECTED = {"test_spread": 0}
REPLACE = {
    "spread": {
        ".var(dim=0)": ".var(dim=0, correction=0)",
    },
}
