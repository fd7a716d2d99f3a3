"""Where nothing fools, the image comes back as it was instead of under the largest loss."""

EXPECTED = {"test_grid_search": 0}
REPLACE = {"grid_search": {"fooled | (loss > largest[active])": "fooled"}}
