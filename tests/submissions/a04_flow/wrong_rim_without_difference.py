"""The rows for the rim are there, but zero."""

EXPECTED = {"test_difference_matrices": 0}


# %% grade_id: difference_matrices
def difference_matrices(rows, columns):
    def line(n):
        matrix = torch.zeros(n + 1, n, dtype=torch.float64)
        for k in range(1, n):
            matrix[k, k - 1], matrix[k, k] = -1, 1
        return matrix

    return torch.kron(torch.eye(rows).double(), line(columns)), torch.kron(line(rows), torch.eye(columns).double())
