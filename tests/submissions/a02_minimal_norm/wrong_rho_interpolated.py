"""NumPy's quantile, which lies between two of the ratios."""

EXPECTED = {"test_rho_adv": 0}
REPLACE = {
    "rho_adv": {
        "needed.sort().values[torch.arange(1, len(images) + 1) >= share * len(images)][0]": "needed.quantile(share)"
    }
}
