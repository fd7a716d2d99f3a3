"""The grid is made with corners aligned and read with grid_sample's default."""

EXPECTED = {"test_warp": 0}
REPLACE = {
    "warp": {
        "(2 * x + 1) / width - 1": "2 * x / (width - 1) - 1",
        "(2 * y + 1) / height - 1": "2 * y / (height - 1) - 1",
        ", align_corners=False": "",
    }
}
