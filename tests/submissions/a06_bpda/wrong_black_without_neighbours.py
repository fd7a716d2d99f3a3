"""A pixel without kept neighbours becomes black."""

EXPECTED = {"test_filled": 0}
REPLACE = {
    "filled": {
        "total / count.clamp_min(1), 0.5)": "total / count.clamp_min(1), 0.0)",
    },
}
