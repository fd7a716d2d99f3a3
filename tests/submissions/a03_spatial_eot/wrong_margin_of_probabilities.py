"""The margin of probabilities."""

EXPECTED = {"test_grid_search": 0}
REPLACE = {
    "grid_search": {
        ("logits.scatter(1, true, -torch.inf).amax(1, keepdim=True))"): (
            "logits.softmax(1).scatter(1, true, 0).amax(1, keepdim=True))"
        ),
        "(logits.gather": "(logits.softmax(1).gather",
    },
}
