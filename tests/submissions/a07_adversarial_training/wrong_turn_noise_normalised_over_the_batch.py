"""The noise of the batch is divided by one length."""

EXPECTED = {"test_turn": 0}
REPLACE = {"turn": {"noise.flatten(1).norm(dim=1)": "noise.norm()"}}
