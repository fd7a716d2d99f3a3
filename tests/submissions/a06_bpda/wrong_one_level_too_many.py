"""2^b steps: 2^b + 1 levels."""

EXPECTED = {"test_staircase": 0}
REPLACE = {
    "staircase": {
        "u = (2**bits - 1) * images": "u = 2**bits * images",
        "u.round() / (2**bits - 1)": "u.round() / 2**bits",
    },
}
