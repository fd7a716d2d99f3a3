"""Rows with a larger ε count, those with a smaller one do not."""

EXPECTED = {"test_refuted_by": 0}
REPLACE = {"refuted_by": {'rows["eps"] <= claim.eps': 'rows["eps"] >= claim.eps'}}
