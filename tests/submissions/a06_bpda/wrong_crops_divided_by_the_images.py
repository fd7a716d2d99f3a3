"""The sum over the crops is divided by the number of images."""

EXPECTED = {"test_crop_gradient": 0}
REPLACE = {
    "crop_gradient": {
        "total / draws": "total / len(images)",
    },
}
