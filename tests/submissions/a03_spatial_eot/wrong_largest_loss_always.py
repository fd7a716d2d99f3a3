"""The transform of largest loss, whether or not an earlier one fools."""

EXPECTED = {"test_grid_search": 0, "test_grid_search_cost": 0}
REPLACE = {
    "grid_search": {
        "fooled | (loss > largest[active])": "loss > largest[active]",
        "            active = active[~fooled]\n": "",
    }
}
