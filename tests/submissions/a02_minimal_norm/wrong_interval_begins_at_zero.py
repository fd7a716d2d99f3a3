"""The way back stretches by the width of the interval and does not add where it begins."""

EXPECTED = {"test_tanh": 0}
REPLACE = {"tanh": {"low + (high - low) * (1": "(high - low) * (1"}}
