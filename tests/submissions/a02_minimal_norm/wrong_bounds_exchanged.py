"""The lower bound and the upper one are exchanged on both ways: there and back the image is the same."""

EXPECTED = {"test_tanh": 0}
REPLACE = {
    "tanh": {
        "(images.detach() - low) / (high - low)": "(images.detach() - high) / (low - high)",
        "low + (high - low) * (1 + torch.tanh(w)) / 2": "high + (low - high) * (1 + torch.tanh(w)) / 2",
    }
}
