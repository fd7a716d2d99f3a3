"""alpha is an argument that nothing uses."""

EXPECTED = {"test_dense_field": 0, "test_fast_field": 0}
REPLACE = {"dense_field": {"system = alpha * (": "system = ("}, "fast_field": {"-alpha * (1": "-(1"}}
