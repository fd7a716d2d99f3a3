"""The first row that refutes a claim."""

EXPECTED = {"test_refuted_by": 0}
REPLACE = {"refuted_by": {"upper[inside].idxmin()": "upper[inside].index[0]"}}
