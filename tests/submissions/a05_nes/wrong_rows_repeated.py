"""Points come image by image, rows do not, in the exercises that ask an oracle."""

EXPECTED = {"test_rank_score": 0}
REPLACE = {
    "rank_score": {
        ".repeat_interleave(copies)": ".repeat(copies)",
    },
}
