"""The position of the row, not its label."""

EXPECTED = {"test_refuted_by": 0}
REPLACE = {"refuted_by": {"upper[inside].idxmin()": "int(upper.where(inside, 9.0).argmin())"}}
