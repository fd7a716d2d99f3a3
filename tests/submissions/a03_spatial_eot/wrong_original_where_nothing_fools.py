"""An image that nothing fools comes back as it was."""

EXPECTED = {"test_grid_search": 0}
REPLACE = {
    "grid_search": {
        ("chosen[left[worse]], smallest[left[worse]] = j, margin[worse]"): "smallest[left[worse]] = margin[worse]"
    },
}
