"""One mean is taken off all colours."""

EXPECTED = {"test_normalized_l2": 0}
REPLACE = {"normalized_l2": {"images.mean((2, 3), keepdim=True)": "images.mean((1, 2, 3), keepdim=True)"}}
