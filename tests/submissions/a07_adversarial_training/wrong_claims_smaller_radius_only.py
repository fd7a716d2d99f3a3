"""Rows with the claim's own ε do not count."""

EXPECTED = {"test_refuted_by": 0}
REPLACE = {"refuted_by": {'rows["eps"] <= claim.eps': 'rows["eps"] < claim.eps'}}
