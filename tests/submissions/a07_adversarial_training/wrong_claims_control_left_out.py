"""Random signs are no attack, so they do not count."""

EXPECTED = {"test_refuted_by": 0}
REPLACE = {
    "refuted_by": {" & (upper < claim.accuracy)": ' & (upper < claim.accuracy) & (rows["attack"] != "random signs")'}
}
