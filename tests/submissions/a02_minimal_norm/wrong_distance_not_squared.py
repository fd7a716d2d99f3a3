"""The objective has the distance instead of its square."""

EXPECTED = {"test_objective": 0}
REPLACE = {"objective": {"dim=(1, 2, 3))": "dim=(1, 2, 3)).sqrt()"}}
