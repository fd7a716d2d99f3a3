"""The whole batch goes on until the last image is done."""

EXPECTED = {"test_deepfool": 0}
REPLACE = {
    "deepfool": {
        "torch.where(active, total + deepfool_step(model, x, cost), total)": "total + deepfool_step(model, x, cost)",
        "torch.where(active, images + (1 + overshoot) * total, x)": "images + (1 + overshoot) * total",
    }
}
