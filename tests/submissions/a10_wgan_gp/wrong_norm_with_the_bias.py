"""The bias is left in."""

EXPECTED = {"test_spectral_norm": 0}
REPLACE = {
    "spectral_norm": {
        "constant = layer(torch.zeros_like(v))": "constant = 0 * layer(torch.zeros_like(v))",
    },
}
