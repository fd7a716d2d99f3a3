"""The box is [0, 1], and what comes back is cut off at the bounds: no gradient comes through there."""

EXPECTED = {"test_tanh": 0}
REPLACE = {
    "tanh": {
        "(images.detach() - low) / (high - low)": "images.detach()",
        "low + (high - low) * (1 + torch.tanh(w)) / 2": "((1 + torch.tanh(w)) / 2).clamp(low, high)",
    }
}
