"""x + z is clamped to the box."""

EXPECTED = {"test_turn": 0}
REPLACE = {"turn": {"slope(images + z)": "slope((images + z).clamp(0, 1))"}}
