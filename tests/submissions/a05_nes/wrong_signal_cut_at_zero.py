"""The signal is not allowed to be negative."""

EXPECTED = {"test_spread": 0}
REPLACE = {
    "spread": {
        "length - variance / len(estimates_of_all)": "(length - variance / len(estimates_of_all)).clamp_min(0)",
    },
}
