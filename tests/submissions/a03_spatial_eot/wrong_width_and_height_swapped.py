"""u goes with the height."""

EXPECTED = {"test_pixel_to_grid": 0}
REPLACE = {
    "pixel_to_grid": {"[width, height]": "[height, width]"},
}
