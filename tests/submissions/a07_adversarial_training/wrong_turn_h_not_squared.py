"""It is divided by h."""

EXPECTED = {"test_turn": 0}
REPLACE = {"turn": {"h.square() * turned": "h * turned"}}
