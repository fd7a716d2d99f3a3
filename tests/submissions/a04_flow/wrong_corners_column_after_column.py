"""The corners are counted down the columns."""

EXPECTED = {"test_difference_matrices": 0}
REPLACE = {
    "difference_matrices": {"tuple(matrix.view(-1, rows * columns)": "tuple(matrix.mT.reshape(-1, rows * columns)"},
}
