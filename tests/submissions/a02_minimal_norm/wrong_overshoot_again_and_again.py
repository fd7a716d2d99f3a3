"""The overshoot is applied at every step to everything so far, so it is compounded."""

EXPECTED = {"test_deepfool": 0}
REPLACE = {
    "deepfool": {
        "images + (1 + overshoot) * total": "images + (1 + overshoot) * (x + deepfool_step(model, x, cost) - images)"
    }
}
