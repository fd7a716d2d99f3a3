"""The sum over the crops."""

EXPECTED = {"test_crop_gradient": 0}
REPLACE = {
    "crop_gradient": {
        "return total / draws": "return total",
    },
}
