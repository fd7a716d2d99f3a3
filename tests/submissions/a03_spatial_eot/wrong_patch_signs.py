"""The step goes along the gradient's sign."""

EXPECTED = {"test_patch_step": 0}
REPLACE = {
    "patch_step": {
        "g / rho.clamp(min=1e-30)": "g.sign()",
    },
}
