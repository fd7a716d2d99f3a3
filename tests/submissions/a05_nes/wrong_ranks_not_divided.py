"""Ranks from k to 1, not divided by k."""

EXPECTED = {"test_rank_score": 0}
REPLACE = {
    "rank_score": {
        "dtype=images.dtype) / oracle.k": "dtype=images.dtype)",
    },
}
