"""The step comes back, clamped, in the place of the patch after it."""

EXPECTED = {"test_patch_step": 0}
REPLACE = {
    "patch_step": {
        "(p.detach() - step_size": "(-step_size",
    },
}
