"""The smallest margin, also where an earlier one fools."""

EXPECTED = {"test_grid_search": 0, "test_grid_search_cost": 0}
REPLACE = {
    "grid_search": {
        "            left = left[~fooled]": "            pass",
        "            chosen[left[fooled]] = j\n": "",
    },
}
