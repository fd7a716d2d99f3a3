"""Follows the gradient of the other class alone, without subtracting that of the predicted one."""

EXPECTED = {"test_deepfool_step": 0}
REPLACE = {"deepfool_step": {" - gradients[each, predicted][:, None]": ""}}
