"""The pixels with the largest gradients are changed, though the box may hold them."""

EXPECTED = {"test_fgsm": 0}
REPLACE = {"fgsm": {"gradient * (moved - images)": "gradient.abs()"}}
