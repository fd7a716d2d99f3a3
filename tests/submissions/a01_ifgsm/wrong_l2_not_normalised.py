"""The norm of the perturbation is not divided by the contrast of the image."""

EXPECTED = {"test_normalized_l2": 0}
REPLACE = {"normalized_l2": {"sizes[0] / sizes[1]": "sizes[0]"}}
