"""Where nothing fools, the largest margin."""

EXPECTED = {"test_grid_search": 0}
REPLACE = {
    "grid_search": {
        "worse = margin < smallest[left]": "worse = margin > smallest[left]",
        "torch.full(labels.shape, torch.inf": "torch.full(labels.shape, -torch.inf",
    },
}
