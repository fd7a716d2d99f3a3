"""The weights are replaced by new parameters, which no optimiser knows."""

EXPECTED = {"test_project": 0}
REPLACE = {
    "project": {
        "layer.weight.mul_(bound / sigma)": ("layer.weight = nn.Parameter(layer.weight * (bound / sigma))"),
    },
}
