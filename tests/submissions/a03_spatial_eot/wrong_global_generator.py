"""The generator is not used."""

EXPECTED = {"test_draw_transforms": 0}
REPLACE = {
    "draw_transforms": {"3, generator=generator)": "3)"},
}
