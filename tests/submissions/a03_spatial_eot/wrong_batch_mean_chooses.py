"""One choice for the batch."""

EXPECTED = {"test_grid_search": 0, "test_grid_search_cost": 0}
REPLACE = {
    "grid_search": {
        ("return slant_translate(images, transforms[chosen]), chosen"): (
            "chosen = chosen.mode().values.expand(len(images))\n"
            "        return slant_translate(images, transforms["
            "chosen]), chosen"
        )
    },
}
