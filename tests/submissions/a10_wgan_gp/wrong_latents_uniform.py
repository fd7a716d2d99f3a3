"""Latents are uniform."""

EXPECTED = {"test_turns": 0}
REPLACE = {
    "train": {
        "torch.randn(len(real)": "torch.rand(len(real)",
    },
}
