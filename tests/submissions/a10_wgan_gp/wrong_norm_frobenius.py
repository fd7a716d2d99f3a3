"""The Frobenius norm of the weights."""

EXPECTED = {"test_spectral_norm": 0}
REPLACE = {
    "spectral_norm": {
        (
            "        return ((layer(v) - constant).norm() / v.norm()).item()"
        ): "        return layer.weight.norm().item()",
    },
}
