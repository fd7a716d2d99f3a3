"""The norm, not squared."""

EXPECTED = {"test_limit": 0}
REPLACE = {"limit": {"(half * half.transpose(1, 2)).sum((1, 2))": "(half * half.transpose(1, 2)).sum((1, 2)).sqrt()"}}
