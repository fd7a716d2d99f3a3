"""The mean of all losses, whatever β is."""

EXPECTED = {"test_mixed_loss": 0}
REPLACE = {"mixed_loss": {"(weights * losses).sum() / len(images)": "losses.mean()"}}
