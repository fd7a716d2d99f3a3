"""One h for the batch."""

EXPECTED = {"test_turn": 0}
REPLACE = {"turn": {"z = noise * (h /": "h = h.mean().expand(len(images))\n    z = noise * (h /"}}
