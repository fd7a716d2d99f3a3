"""The radius is shared out among the steps."""

EXPECTED = {"test_ascend": 0}
REPLACE = {"ascend": {"(share * eps)": "(share * eps / steps)"}}
