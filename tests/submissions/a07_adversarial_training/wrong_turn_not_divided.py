"""It is not divided by h²."""

EXPECTED = {"test_turn": 0}
REPLACE = {"turn": {" / h.square()": ""}}
