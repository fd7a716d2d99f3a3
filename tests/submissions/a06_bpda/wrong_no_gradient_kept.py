"""A copy without a graph."""

EXPECTED = {"test_filled": 0}
REPLACE = {
    "filled": {
        "kept = (mask * images)": "images = images.detach()\n    kept = (mask * images)",
    },
}
