"""Examples made for another network do not count."""

EXPECTED = {"test_refuted_by": 0}
REPLACE = {
    "refuted_by": {
        " & (upper < claim.accuracy)": (' & (upper < claim.accuracy) & rows["made_for"].isin(["", claim.defense])')
    }
}
