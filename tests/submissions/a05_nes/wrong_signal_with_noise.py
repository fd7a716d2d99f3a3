"""The squared length of the mean is taken for the signal."""

EXPECTED = {"test_spread": 0}
REPLACE = {
    "spread": {
        "length - variance / len(estimates_of_all)": "length",
    },
}
