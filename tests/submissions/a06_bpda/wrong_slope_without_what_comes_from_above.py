"""The slope alone is returned."""

EXPECTED = {"test_staircase": 0}
REPLACE = {
    "staircase": {
        "return gradient * (": "return (",
    },
}
