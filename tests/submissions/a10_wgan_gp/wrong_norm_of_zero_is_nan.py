"""A layer of zeros gives zero divided by zero."""

EXPECTED = {"test_spectral_norm": 0}
REPLACE = {
    "spectral_norm": {
        ("            if not v.any():\n                return 0.0\n"): "",
    },
}
