"""The slant has the limit of the shifts."""

EXPECTED = {"test_draw_transforms": 0}
REPLACE = {
    "draw_transforms": {"max_shift, max_slant], d": "max_shift, max_shift], d"},
}
