"""The trace of H."""

EXPECTED = {"test_limit": 0}
REPLACE = {"limit": {"(half * half.transpose(1, 2)).sum((1, 2))": "half.diagonal(dim1=1, dim2=2).sum(1)"}}
