"""The crop is cut out at (column, row)."""

EXPECTED = {"test_crop_gradient": 0}
REPLACE = {
    "crop_gradient": {
        "crops.window(x, places, side)": "crops.window(x, places.flip(1), side)",
    },
}
