"""The variance with R in the denominator."""

EXPECTED = {"test_noise_ratio": 0}
REPLACE = {
    "noise_ratio": {"flat.var(dim=0)": "flat.var(dim=0, correction=0)"},
}
