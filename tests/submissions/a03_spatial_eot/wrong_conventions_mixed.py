"""The grid is made with align_corners=True and read with grid_sample's default, the other convention."""

EXPECTED = {"test_shift": 0, "test_rotate": 0}
REPLACE = {
    "rotate_translate": {
        "width, align_corners=False)": "width, align_corners=True)",
        "grid, align_corners=False)": "grid)",
    }
}
