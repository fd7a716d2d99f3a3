"""The neighbours above, below and beside alone."""

EXPECTED = {"test_filled": 0}
REPLACE = {
    "filled": {
        "    kept =": "    ones[..., ::2, ::2] = 0\n    kept =",
    },
}
