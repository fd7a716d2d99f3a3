"""The size is the sum of the shares."""

EXPECTED = {"test_transform_grid": 0}
REPLACE = {
    "transform_grid": {"abs().amax(1)": "abs().sum(1)"},
}
