"""The patch is pasted where the mask hides it."""

EXPECTED = {"test_patch_step": 0}
REPLACE = {
    "patch_step": {
        "torch.where(mask, p, window)": "torch.where(mask, window, p)",
    },
}
