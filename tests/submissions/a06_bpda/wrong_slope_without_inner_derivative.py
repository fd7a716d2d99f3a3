"""The factor 2π of the inner derivative is forgotten."""

EXPECTED = {"test_staircase": 0}
REPLACE = {
    "staircase": {
        "ctx.a * torch.cos": "ctx.a / (2 * torch.pi) * torch.cos",
    },
}
