"""The largest singular value."""

EXPECTED = {"test_contraction": 0}
REPLACE = {
    "contraction": {
        "torch.linalg.eigvals(": "torch.linalg.svdvals(",
    },
}
