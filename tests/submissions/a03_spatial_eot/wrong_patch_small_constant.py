"""A small constant is added to the length."""

EXPECTED = {"test_patch_step": 0}
REPLACE = {
    "patch_step": {
        "rho.clamp(min=1e-30)": "(rho + 1e-8)",
    },
}
