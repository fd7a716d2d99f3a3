"""The noisy copies are cut to [0, 1]."""

EXPECTED = {"test_rank_score": 0}
REPLACE = {
    "rank_score": {
        "points.flatten(0, 1)": "points.flatten(0, 1).clamp(0, 1)",
    },
}
