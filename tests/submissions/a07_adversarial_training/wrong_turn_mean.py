"""The mean over the batch."""

EXPECTED = {"test_turn": 0}
REPLACE = {"turn": {".square().sum(1)": ".square().sum(1).mean()"}}
