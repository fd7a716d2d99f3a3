"""An image counts as surviving if it is predicted as its target under one of the draws."""

EXPECTED = {"test_survival": 0}
REPLACE = {"survival": {"torch.stack(hits)": "torch.stack(hits).any(0)"}}
