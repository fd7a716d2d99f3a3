"""The combinations in their own order, the identity in the middle."""

EXPECTED = {"test_transform_grid": 0}
REPLACE = {
    "transform_grid": {"shares[order] *": "shares *"},
}
