"""This corner less the next one."""

EXPECTED = {"test_difference_matrices": 0}
REPLACE = {
    "difference_matrices": {
        "along_y[i, j, i, j] = 1": "along_y[i, j, i, j] = -1",
        "along_y[i + 1, j, i, j] = -1": "along_y[i + 1, j, i, j] = 1",
    },
}
