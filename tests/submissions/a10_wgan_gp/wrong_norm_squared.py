"""The square comes back."""

EXPECTED = {"test_spectral_norm": 0}
REPLACE = {
    "spectral_norm": {
        ".norm() / v.norm()).item()": ".norm() / v.norm()).item() ** 2",
    },
}
