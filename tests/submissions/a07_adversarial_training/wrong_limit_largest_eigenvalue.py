"""The square of the largest eigenvalue."""

EXPECTED = {"test_limit": 0}
REPLACE = {"limit": {"(half * half.transpose(1, 2)).sum((1, 2))": "torch.linalg.eigvals(half).abs().amax(1).square()"}}
