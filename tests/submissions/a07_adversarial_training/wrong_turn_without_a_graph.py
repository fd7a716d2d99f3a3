"""create_graph is forgotten."""

EXPECTED = {"test_turn": 0}
REPLACE = {"turn": {", create_graph=True": ""}}
