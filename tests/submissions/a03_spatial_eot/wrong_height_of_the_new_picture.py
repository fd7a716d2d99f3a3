"""The slant goes by the height in the new picture."""

EXPECTED = {"test_slant": 0}
REPLACE = {
    "slant_translate": {"((height - 1) / 2 - v)": "((height - 1) / 2 - v - dy)"},
}
