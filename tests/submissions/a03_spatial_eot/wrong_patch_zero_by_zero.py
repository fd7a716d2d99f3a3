"""Where the gradient is zero, zero is divided by zero."""

EXPECTED = {"test_patch_step": 0}
REPLACE = {
    "patch_step": {
        "rho.clamp(min=1e-30)": "rho",
    },
}
