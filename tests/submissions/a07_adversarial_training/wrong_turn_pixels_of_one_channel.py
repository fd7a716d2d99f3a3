"""The pixels of one channel are counted."""

EXPECTED = {"test_turn": 0}
REPLACE = {"turn": {"images[0].numel()": "images[0, 0].numel()"}}
