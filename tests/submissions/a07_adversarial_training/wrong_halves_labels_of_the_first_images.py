"""The perturbed images get the labels of the first ones."""

EXPECTED = {"test_mixed_loss": 0}
REPLACE = {"mixed_loss": {"torch.cat([labels, labels[chosen]])": "torch.cat([labels, labels[: len(moved)]])"}}
