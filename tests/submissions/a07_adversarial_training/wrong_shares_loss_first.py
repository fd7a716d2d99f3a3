"""The loss's pass comes before those of the attack."""

EXPECTED = {"test_shares": 0}
REPLACE = {"shares": {"keep * (1 - keep**steps), momentum": "1 - keep**steps, momentum * keep**steps"}}
