"""The patch is added to the images, and the sum is clamped."""

EXPECTED = {"test_patch_step": 0}
REPLACE = {
    "patch_step": {
        "torch.where(mask, p, window)": "torch.where(mask, window + p, window).clamp(0, 1)",
    },
}
