"""The pairs are treated as independent."""

EXPECTED = {"test_survival": 0}
REPLACE = {
    "survival": {
        "2 * rates.std().item() / len(rates) ** 0.5": (
            "2 * (rates.mean().item() * (1 - rates.mean().item()) / len(rates) / len(transforms)) ** 0.5"
        )
    },
}
