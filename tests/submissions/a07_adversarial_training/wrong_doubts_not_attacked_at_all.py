"""The sign is given only where there is no row along any gradient."""

EXPECTED = {"test_doubts": 0}
REPLACE = {"doubts": {"if white.any()": "if along.any()"}}
