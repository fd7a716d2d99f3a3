"""The generator of the noise is seeded in the function: every call draws the same copies."""

EXPECTED = {"test_rank_score": 0}
REPLACE = {
    "rank_score": {
        "    shape = (len(images), copies // 2": "    generator.manual_seed(0)\n    shape = (len(images), copies // 2"
    },
}
