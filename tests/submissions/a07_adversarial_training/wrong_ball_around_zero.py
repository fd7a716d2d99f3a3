"""The point itself is shortened, not its distance from the image."""

EXPECTED = {"test_nearest": 0}
REPLACE = {"nearest": {"delta = points - images": "delta = points", "images + delta": "delta"}}
