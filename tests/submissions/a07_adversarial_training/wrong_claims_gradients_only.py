"""Only attacks along gradients count."""

EXPECTED = {"test_refuted_by": 0}
REPLACE = {"refuted_by": {" & (upper < claim.accuracy)": ' & (upper < claim.accuracy) & (rows["made_for"] != "")'}}
