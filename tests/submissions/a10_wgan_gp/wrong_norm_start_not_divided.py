"""The length of the start is not taken off where there is no step."""

EXPECTED = {"test_spectral_norm": 0}
REPLACE = {
    "spectral_norm": {
        ".norm() / v.norm()).item()": ".norm()).item()",
    },
}
