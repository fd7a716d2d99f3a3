"""Sorted by falling size."""

EXPECTED = {"test_transform_grid": 0}
REPLACE = {
    "transform_grid": {"argsort(stable=True)": "argsort(descending=True)"},
}
