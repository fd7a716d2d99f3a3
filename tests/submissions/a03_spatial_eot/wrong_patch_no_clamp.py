"""Nothing is clamped."""

EXPECTED = {"test_patch_step": 0}
REPLACE = {
    "patch_step": {
        ".clamp(0, 1)": "",
    },
}
