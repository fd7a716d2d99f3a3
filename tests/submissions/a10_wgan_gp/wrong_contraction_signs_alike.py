"""Both entries off the diagonal are positive."""

EXPECTED = {"test_contraction": 0}
REPLACE = {
    "contraction": {
        "-step / 2]": "step / 2]",
        "1 - step**2 / 4": "1 + step**2 / 4",
    },
}
