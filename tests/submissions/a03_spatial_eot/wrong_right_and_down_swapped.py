"""dx and dy are exchanged."""

EXPECTED = {"test_shift": 0, "test_slant": 0}
REPLACE = {
    "slant_translate": {"dx, dy, slant = ": "dy, dx, slant = "},
}
