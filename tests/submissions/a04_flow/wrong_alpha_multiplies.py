"""The solution is multiplied by alpha instead of divided."""

EXPECTED = {"test_dense_field": 0, "test_fast_field": 0}
REPLACE = {
    "dense_field": {"system = alpha * (": "system = (", "return -torch": "return -alpha * torch"},
    "fast_field": {"-alpha * (1": "-(1", "return rows.T": "return alpha * rows.T"},
}
