"""Painted over where pixels were kept: on the way back the mask is turned round."""

EXPECTED = {"test_drop_gradient": 0}
REPLACE = {
    "drop_gradient": {
        "filled(x, mask)": "filled(x, 1 - mask)",
    },
}
