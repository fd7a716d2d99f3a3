"""Rows and columns in one order."""

EXPECTED = {"test_crop_positions": 0}
REPLACE = {
    "crop_positions": {
        "    spots[..., 1] = spots[..., 1].gather(1, order)\n": "",
    },
}
