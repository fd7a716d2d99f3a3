"""What lies outside repeats the border."""

EXPECTED = {"test_shift": 0, "test_slant": 0}
REPLACE = {
    "slant_translate": {", align_corners=True)": ', padding_mode="border", align_corners=True)'},
}
