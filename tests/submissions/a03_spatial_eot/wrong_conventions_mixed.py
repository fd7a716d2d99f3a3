"""The grid by one convention, read by the other."""

EXPECTED = {"test_shift": 0, "test_slant": 0}
REPLACE = {
    "slant_translate": {"width, True), align_corners=True": "width, True), align_corners=False"},
}
