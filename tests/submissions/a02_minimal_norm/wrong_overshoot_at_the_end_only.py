"""As in the paper: the loop runs without overshoot, the sum is stretched at the end."""

EXPECTED = {"test_deepfool": 0}
REPLACE = {
    "deepfool": {
        "images + (1 + overshoot) * total": "images + total",
        "        changed =": "        x = images + (1 + overshoot) * total\n        changed =",
    }
}
