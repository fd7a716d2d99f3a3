"""D_y is returned first."""

EXPECTED = {"test_difference_matrices": 0}
REPLACE = {
    "difference_matrices": {"for matrix in (along_x, along_y)": "for matrix in (along_y, along_x)"},
}
