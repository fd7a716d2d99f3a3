"""Where the gradient is zero the caller's own patch comes back."""

EXPECTED = {"test_patch_step_traces": 0}
REPLACE = {
    "patch_step": {
        "    rho = g": "    if not g.any():\n        return patch.detach()\n    rho = g",
    },
}
