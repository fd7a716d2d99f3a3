"""The shift is added: the grid is asked where pixels go."""

EXPECTED = {"test_shift": 0, "test_slant": 0}
REPLACE = {
    "slant_translate": {"[:, None] - dy": "[:, None] + dy", "to(images) - dx": "to(images) + dx"},
}
