"""The gradient at the image is held as a constant."""

EXPECTED = {"test_turn": 0}
REPLACE = {"turn": {"- slope(images)": "- slope(images).detach()"}}
