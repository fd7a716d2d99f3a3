"""The first row stays where it is."""

EXPECTED = {"test_slant": 0}
REPLACE = {
    "slant_translate": {"((height - 1) / 2 - v)": "-v"},
}
