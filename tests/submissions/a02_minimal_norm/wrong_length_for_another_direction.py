"""Moves along the normal itself, by the length that belongs to the cheapest direction."""

EXPECTED = {"test_nearest_boundary": 0}
REPLACE = {"nearest_boundary": {"[:, None] * way)": "[:, None] * normal)"}}
