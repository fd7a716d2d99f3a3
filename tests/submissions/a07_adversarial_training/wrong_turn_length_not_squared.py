"""The length of the difference, not squared."""

EXPECTED = {"test_turn": 0}
REPLACE = {"turn": {"turned.flatten(1).square().sum(1)": "turned.flatten(1).norm(dim=1)"}}
