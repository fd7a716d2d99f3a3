"""The derivatives along the rows and along the columns are swapped."""

EXPECTED = {"test_image_derivatives": 0}
REPLACE = {"image_derivatives": {"dim=3": "dim=2", "dim=2": "dim=3"}}
