"""The share of copies that list the target, wherever."""

EXPECTED = {"test_rank_score": 0}
REPLACE = {
    "rank_score": {
        " * ranks).sum(1)": ").any(1).to(ranks)",
    },
}
