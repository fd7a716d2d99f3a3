"""The second term has no gradient."""

EXPECTED = {"test_boosted": 0}
REPLACE = {"boosted": {"rest.logsumexp(1)": "(rest.logsumexp(1) - whole).detach() - whole"}}
