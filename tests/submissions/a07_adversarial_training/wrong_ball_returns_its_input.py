"""Where nothing is to be done the caller's own tensor comes back."""

EXPECTED = {"test_nearest": 0}
REPLACE = {
    "nearest": {
        "    shrink = torch": (
            "    if not (lengths > eps).any() and points.min() >= 0 and points.max() <= 1:\n  "
            "      return points\n    shrink = torch"
        )
    }
}
