"""One step more."""

EXPECTED = {"test_spectral_norm": 0}
REPLACE = {
    "spectral_norm": {
        "range(steps)": "range(steps + 1)",
    },
}
