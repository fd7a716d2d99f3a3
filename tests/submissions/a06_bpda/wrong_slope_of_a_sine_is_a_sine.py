"""The derivative of the sine is taken for a sine."""

EXPECTED = {"test_staircase": 0}
REPLACE = {
    "staircase": {
        "torch.cos(": "torch.sin(",
    },
}
