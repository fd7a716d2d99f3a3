"""A row with a larger ε refutes a claim."""

EXPECTED = {"test_refuted_by": 0}
REPLACE = {"refuted_by": {' & (rows["eps"] <= claim.eps)': ""}}
