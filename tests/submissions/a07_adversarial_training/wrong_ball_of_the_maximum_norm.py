"""Every pixel is clamped to ± ε, as in the maximum norm."""

EXPECTED = {"test_nearest": 0}
REPLACE = {
    "nearest": {
        "images + delta * shrink.view(-1, 1, 1, 1)": (
            "images + torch.maximum(torch.minimum(delta, eps.view(-1, 1, 1, 1)), -eps.view(-1, 1, 1, 1))"
        )
    }
}
