"""The signed difference of logits in the place of its absolute value: away from the boundary."""

EXPECTED = {"test_nearest_boundary": 0}
REPLACE = {
    "nearest_boundary": {
        "gap = logits.amax(1) - ": "gap = -logits.amax(1) + ",
    }
}
