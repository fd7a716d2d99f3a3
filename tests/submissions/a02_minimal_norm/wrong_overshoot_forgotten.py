"""The steps are not stretched, so images come to the boundary and do not cross it."""

EXPECTED = {"test_deepfool": 0}
REPLACE = {"deepfool": {"images + (1 + overshoot) * total": "images + total"}}
