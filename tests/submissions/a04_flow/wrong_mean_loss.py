"""The gradient of the mean loss over the batch. The attack, which scales, pays nothing."""

EXPECTED = {"test_motion_gradient": 0}
REPLACE = {"motion_gradient": {', reduction="sum"': ""}}
