"""The step is along the sign of the noise."""

EXPECTED = {"test_turn": 0}
REPLACE = {"turn": {"z = noise * (h / noise.flatten(1)": "noise = noise.sign()\n    z = noise * (h / noise.flatten(1)"}}
