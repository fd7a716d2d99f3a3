"""The half pixel of the outer edges is forgotten."""

EXPECTED = {"test_pixel_to_grid": 0}
REPLACE = {
    "pixel_to_grid": {"(2 * points + 1) / size": "2 * points / size"},
}
