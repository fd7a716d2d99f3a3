"""The values stop before the limits."""

EXPECTED = {"test_transform_grid": 0}
REPLACE = {
    "transform_grid": {"/ (m - 1) for m": "/ m for m"},
}
