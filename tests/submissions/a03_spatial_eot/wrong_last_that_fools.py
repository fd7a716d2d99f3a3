"""The last transform that fools."""

EXPECTED = {"test_grid_search": 0, "test_grid_search_cost": 0}
REPLACE = {
    "grid_search": {"            left = left[~fooled]": "            pass"},
}
