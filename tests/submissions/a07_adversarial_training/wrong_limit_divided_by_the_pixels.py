"""It is divided by P."""

EXPECTED = {"test_limit": 0}
REPLACE = {
    "limit": {
        "(half * half.transpose(1, 2)).sum((1, 2))": ("((half * half.transpose(1, 2)).sum((1, 2)) / weight.shape[1])")
    }
}
