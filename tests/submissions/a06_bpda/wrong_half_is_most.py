"""Half of the draws count as most."""

EXPECTED = {"test_judge": 0}
REPLACE = {
    "judge": {
        "2 * misses > draws": "2 * misses >= draws",
    },
}
