"""The mask is not asked: the whole rectangle is pasted."""

EXPECTED = {"test_patch_step": 0}
REPLACE = {
    "patch_step": {
        "torch.where(mask, p, window)": "p",
    },
}
