"""Layers are divided by the Frobenius norm of their weights."""

EXPECTED = {"test_project": 0}
REPLACE = {
    "project": {
        "sigma = spectral_norm(layer, start, steps)": "sigma = layer.weight.norm().item()",
    },
}
