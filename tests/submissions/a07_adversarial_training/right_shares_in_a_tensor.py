"""The three shares come in a tensor, of single precision as is usual there."""

EXPECTED = {}
REPLACE = {
    "shares": {
        "return keep ** (steps + 1), keep * (1 - keep**steps), momentum": (
            "return torch.tensor([keep ** (steps + 1), keep * (1 - keep**steps), momentum])"
        ),
    },
}
