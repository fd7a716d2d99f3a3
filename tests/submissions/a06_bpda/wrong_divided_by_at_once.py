"""Divided by the size of a part."""

EXPECTED = {"test_crop_gradient": 0}
REPLACE = {
    "crop_gradient": {
        "total / draws": "total / at_once",
    },
}
