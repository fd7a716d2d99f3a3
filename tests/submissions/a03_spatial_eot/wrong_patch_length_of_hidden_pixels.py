"""Line (j) of the draft: the mean counts the pixels that the mask hides."""

EXPECTED = {"test_patch_step": 0}
REPLACE = {
    "patch_step": {
        "g[:, mask].square()": "g.square()",
    },
}
