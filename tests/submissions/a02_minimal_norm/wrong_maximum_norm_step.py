"""Moves every pixel by the same amount: the smallest perturbation in the maximum norm."""

EXPECTED = {"test_nearest_boundary": 0}
REPLACE = {"nearest_boundary": {"normal / cost.expand_as(images).flatten(1)": "normal.sign()"}}
