"""The pixels that the mask hides come back black."""

EXPECTED = {"test_patch_step": 0}
REPLACE = {
    "patch_step": {
        ".clamp(0, 1)": ".clamp(0, 1) * mask",
    },
}
