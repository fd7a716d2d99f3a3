"""All images take steps of one length."""

EXPECTED = {"test_ascend": 0}
REPLACE = {"ascend": {"(share * eps).view(-1, 1, 1, 1) * unit": "share * unit"}}
