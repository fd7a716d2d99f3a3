"""Line (k) of the draft: the step goes up the loss of the targets."""

EXPECTED = {"test_patch_step": 0}
REPLACE = {
    "patch_step": {
        "p.detach() - step_size": "p.detach() + step_size",
    },
}
