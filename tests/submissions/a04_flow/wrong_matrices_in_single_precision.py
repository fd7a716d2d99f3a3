"""The matrices are float32."""

EXPECTED = {"test_difference_matrices": 0}
REPLACE = {
    "difference_matrices": {
        (
            "torch.zeros(rows, columns + 1, rows, columns, dtype=torch.float64)"
        ): "torch.zeros(rows, columns + 1, rows, columns)"
    },
}
