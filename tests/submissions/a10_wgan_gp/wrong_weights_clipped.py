"""Weights are clipped to the bound."""

EXPECTED = {"test_project": 0}
REPLACE = {
    "project": {
        "layer.weight.mul_(bound / sigma)": ("layer.weight.clamp_(-bound / sigma, bound / sigma)"),
    },
}
