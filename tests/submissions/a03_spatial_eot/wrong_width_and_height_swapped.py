"""pixel_to_grid divides the first number by the height. rotate_translate uses it, and pays only once."""

EXPECTED = {"test_pixel_to_grid": 0}
REPLACE = {"pixel_to_grid": {"[width, height]": "[height, width]"}}
