"""Line (a) of the draft: the network is switched to eval mode."""

EXPECTED = {"test_patch_step_traces": 0}
REPLACE = {
    "patch_step": {
        "    p = patch": "    model.eval()\n    p = patch",
    },
}
