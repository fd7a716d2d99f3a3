"""The sum over the draws."""

EXPECTED = {"test_drop_gradient": 0}
REPLACE = {
    "drop_gradient": {
        "return total / draws": "return total",
    },
}
