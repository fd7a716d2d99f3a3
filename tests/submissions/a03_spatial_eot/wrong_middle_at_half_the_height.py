"""The middle row is taken at H / 2."""

EXPECTED = {"test_slant": 0}
REPLACE = {
    "slant_translate": {"(height - 1) / 2": "height / 2"},
}
