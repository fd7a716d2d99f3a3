"""The eigenvalues of rows and columns are multiplied."""

EXPECTED = {"test_fast_field": 0}
REPLACE = {"fast_field": {"row_values[:, None] + column_values": "row_values[:, None] * column_values"}}
