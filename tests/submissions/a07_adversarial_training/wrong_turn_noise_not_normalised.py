"""The noise is multiplied by h and keeps its length."""

EXPECTED = {"test_turn": 0}
REPLACE = {"turn": {"(h / noise.flatten(1).norm(dim=1))": "h"}}
