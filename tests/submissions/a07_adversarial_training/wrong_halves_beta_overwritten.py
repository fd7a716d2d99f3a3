"""β is turned round in place."""

EXPECTED = {"test_mixed_loss": 0}
REPLACE = {
    "mixed_loss": {
        "    everything, answers = images, labels": ("    beta[~chosen] = 0\n    everything, answers = images, labels")
    }
}
