"""The smooth staircase is returned forward too."""

EXPECTED = {"test_staircase": 0}
REPLACE = {
    "staircase": {
        "return u.round() / (2**bits - 1)": (
            "return (u - a / (2 * torch.pi) * torch.sin(2 * torch.pi * u)) / (2**bits - 1)"
        ),
    },
}
