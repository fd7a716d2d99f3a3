"""The last pass leaves the attack's share as it was."""

EXPECTED = {"test_shares": 0}
REPLACE = {"shares": {"keep * (1 - keep**steps)": "1 - keep**steps"}}
