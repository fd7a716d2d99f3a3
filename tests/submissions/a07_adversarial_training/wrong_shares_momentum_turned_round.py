"""The momentum is taken for the share of what was there."""

EXPECTED = {"test_shares": 0}
REPLACE = {"shares": {"keep = 1 - momentum": "keep, momentum = momentum, 1 - momentum"}}
