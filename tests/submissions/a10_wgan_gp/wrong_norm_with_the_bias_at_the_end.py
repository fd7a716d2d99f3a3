"""The bias is left in at the end."""

EXPECTED = {"test_spectral_norm": 0}
REPLACE = {
    "spectral_norm": {
        "        return ((layer(v) - constant).norm()": "        return (layer(v).norm()",
    },
}
