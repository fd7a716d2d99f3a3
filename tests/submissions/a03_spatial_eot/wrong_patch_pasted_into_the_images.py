"""Line (c) of the draft: what is detached shares the memory of the caller's images."""

EXPECTED = {"test_patch_step_traces": 0}
REPLACE = {
    "patch_step": {
        "images.detach().clone()": "images.detach()",
    },
}
