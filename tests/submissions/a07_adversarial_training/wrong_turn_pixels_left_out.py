"""The number of pixels is left out."""

EXPECTED = {"test_turn": 0}
REPLACE = {"turn": {"images[0].numel() /": "1 /"}}
