"""The row of the lowest accuracy."""

EXPECTED = {"test_refuted_by": 0}
REPLACE = {"refuted_by": {"upper[inside].idxmin()": "share[inside].idxmin()"}}
