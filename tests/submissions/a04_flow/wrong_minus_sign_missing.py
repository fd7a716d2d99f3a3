"""Both solvers forget the minus sign of -d."""

EXPECTED = {"test_dense_field": 0, "test_fast_field": 0}
REPLACE = {"dense_field": {"return -torch": "return torch"}, "fast_field": {"factor = -alpha": "factor = alpha"}}
