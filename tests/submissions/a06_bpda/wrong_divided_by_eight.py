"""The sum over the kept neighbours is divided by eight."""

EXPECTED = {"test_filled": 0}
REPLACE = {
    "filled": {
        "total / count.clamp_min(1)": "total / 8",
    },
}
