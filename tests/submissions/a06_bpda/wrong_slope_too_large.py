"""The inner derivative 2^b - 1 is counted, the divisor is not."""

EXPECTED = {"test_staircase": 0}
REPLACE = {
    "staircase": {
        "        ctx.a = a": "        ctx.a, ctx.steps = a, 2**bits - 1",
        "return gradient * (1": "return ctx.steps * gradient * (1",
    },
}
