"""Rows of other defenses count."""

EXPECTED = {"test_refuted_by": 0}
REPLACE = {"refuted_by": {'(rows["defense"] == claim.defense) & ': ""}}
