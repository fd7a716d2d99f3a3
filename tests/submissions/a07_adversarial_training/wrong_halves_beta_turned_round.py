"""β is the weight of the organic image."""

EXPECTED = {"test_mixed_loss": 0}
REPLACE = {
    "mixed_loss": {
        "torch.where(chosen, 1 - beta,": "torch.where(chosen, beta,",
        "torch.cat([weights, beta[chosen]])": "torch.cat([weights, 1 - beta[chosen]])",
    }
}
