"""The slant has the wrong sign."""

EXPECTED = {"test_slant": 0}
REPLACE = {
    "slant_translate": {"- slant *": "+ slant *"},
}
