"""Every pixel may go from 0 to 1."""

EXPECTED = {"test_tanh": 0}
REPLACE = {
    "tanh": {
        "(images.detach() - low) / (high - low)": "images.detach()",
        "low + (high - low) * (1 + torch.tanh(w)) / 2": "(1 + torch.tanh(w)) / 2",
    }
}
