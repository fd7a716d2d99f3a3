"""The bias is left out."""

EXPECTED = {"test_limit": 0}
REPLACE = {"limit": {" + bias": ""}}
