"""First the box, then the ball."""

EXPECTED = {"test_nearest": 0}
REPLACE = {
    "nearest": {
        "delta = points - images": "delta = points.clamp(0, 1) - images",
        "view(-1, 1, 1, 1)).clamp(0, 1)": "view(-1, 1, 1, 1))",
    }
}
