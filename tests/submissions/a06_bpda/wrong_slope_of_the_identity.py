"""The straight-through gradient of the lecture, whatever a is."""

EXPECTED = {"test_staircase": 0}
REPLACE = {
    "staircase": {
        "gradient * (1 - ctx.a * torch.cos(2 * torch.pi * u))": "gradient",
    },
}
