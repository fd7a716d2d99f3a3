"""Floor in place of round."""

EXPECTED = {"test_staircase": 0}
REPLACE = {
    "staircase": {
        "u.round()": "u.floor()",
    },
}
