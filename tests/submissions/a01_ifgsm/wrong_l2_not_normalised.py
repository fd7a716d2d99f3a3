"""The norm of the perturbation is not divided by that of the image."""

EXPECTED = {"test_normalized_l2": 0}
REPLACE = {"normalized_l2": {" / images.flatten(1).norm(dim=1)": ""}}
