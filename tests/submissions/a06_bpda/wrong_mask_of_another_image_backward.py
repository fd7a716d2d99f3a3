"""Way back through the mask of the image before it in the batch."""

EXPECTED = {"test_drop_gradient": 0}
REPLACE = {
    "drop_gradient": {
        "filled(x, mask)": "filled(x, mask.roll(1, 0))",
    },
}
