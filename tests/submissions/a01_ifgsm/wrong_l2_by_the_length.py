"""Divided by the length of the image, as on the slides: the background counts as content."""

EXPECTED = {"test_normalized_l2": 0}
REPLACE = {"normalized_l2": {"images - images.mean((2, 3), keepdim=True)": "images"}}
