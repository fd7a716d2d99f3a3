"""The step goes against the gradient."""

EXPECTED = {"test_ascend": 0}
REPLACE = {"ascend": {"x.detach() + (share": "x.detach() - (share"}}
