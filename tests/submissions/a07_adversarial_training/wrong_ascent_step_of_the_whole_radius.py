"""The step is ε, whatever the share is."""

EXPECTED = {"test_ascend": 0}
REPLACE = {"ascend": {"(share * eps)": "eps"}}
