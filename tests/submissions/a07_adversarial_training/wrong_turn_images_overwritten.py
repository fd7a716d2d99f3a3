"""z is added to the caller's images."""

EXPECTED = {"test_turn": 0}
REPLACE = {"turn": {"slope(images + z) - slope(images)": "-slope(images) + slope(images.add_(z))"}}
