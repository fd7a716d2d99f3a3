"""The loss of a call is a mean over its crops, and the sum of all is divided by n again."""

EXPECTED = {"test_crop_gradient": 0}
REPLACE = {
    "crop_gradient": {
        ', reduction="sum")': ")",
    },
}
