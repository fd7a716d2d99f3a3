"""The loss's pass moves nothing."""

EXPECTED = {"test_shares": 0}
REPLACE = {"shares": {"keep ** (steps + 1), keep * (1 - keep**steps), momentum": "keep**steps, 1 - keep**steps, 0.0"}}
