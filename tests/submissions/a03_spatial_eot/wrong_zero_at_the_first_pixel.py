"""0 is at the first pixel, not in the middle."""

EXPECTED = {"test_pixel_to_grid": 0}
REPLACE = {
    "pixel_to_grid": {
        "return 2 * points / (size - 1) - 1": "return 2 * points / (size - 1)",
        "return (2 * points + 1) / size - 1": "return (2 * points + 1) / size",
    },
}
