"""Where nothing fools, the largest loss."""

EXPECTED = {"test_grid_search": 0}
REPLACE = {
    "grid_search": {
        ("    margin = (logits.gather(1, true) - logits.scatter(1, true, -torch.inf).amax(1, keepdim=True))[:, 0]"): (
            '    margin = -F.cross_entropy(logits, true[:, 0], reduction="none")'
        )
    },
}
