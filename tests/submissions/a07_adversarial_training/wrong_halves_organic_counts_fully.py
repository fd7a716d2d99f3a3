"""The organic loss keeps its whole weight."""

EXPECTED = {"test_mixed_loss": 0}
REPLACE = {"mixed_loss": {"torch.where(chosen, 1 - beta, torch.ones_like(beta))": "torch.ones_like(beta)"}}
