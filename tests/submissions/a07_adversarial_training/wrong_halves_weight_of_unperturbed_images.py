"""An image without a perturbed copy has the weight 1 - β too."""

EXPECTED = {"test_mixed_loss": 0}
REPLACE = {"mixed_loss": {"torch.where(chosen, 1 - beta, torch.ones_like(beta))": "1 - beta"}}
