"""Steep at the levels."""

EXPECTED = {"test_staircase": 0}
REPLACE = {
    "staircase": {
        "(1 - ctx.a": "(1 + ctx.a",
    },
}
