"""Only R1 is counted."""

EXPECTED = {"test_contraction": 0}
REPLACE = {
    "contraction": {
        "1 - 2 * gamma * step": "1 - gamma * step",
    },
}
