"""The mean of the losses is differentiated."""

EXPECTED = {"test_turn": 0}
REPLACE = {"turn": {"labels).sum()": "labels).mean()"}}
