"""The gradients of the draws are added up and not divided by n."""

EXPECTED = {"test_eot_gradient": 0}
REPLACE = {"eot_gradient": {"total / n": "total"}}
