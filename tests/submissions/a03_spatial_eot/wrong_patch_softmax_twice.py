"""Line (h) of the draft: the cross-entropy is given probabilities."""

EXPECTED = {"test_patch_step": 0}
REPLACE = {
    "patch_step": {
        "model(copies), targets": "model(copies).softmax(1), targets",
    },
}
