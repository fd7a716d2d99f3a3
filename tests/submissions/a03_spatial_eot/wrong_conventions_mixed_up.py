"""The two conventions are exchanged."""

EXPECTED = {"test_pixel_to_grid": 0}
REPLACE = {
    "pixel_to_grid": {"if align_corners:": "if not align_corners:"},
}
