"""The place of the likeliest class is taken to be 1."""

EXPECTED = {"test_rank_score": 0}
REPLACE = {
    "rank_score": {
        ("torch.arange(oracle.k, 0, -1, dtype=images.dtype) / oracle.k"): (
            "torch.arange(oracle.k - 1, -1, -1, dtype=images.dtype) / oracle.k"
        ),
    },
}
