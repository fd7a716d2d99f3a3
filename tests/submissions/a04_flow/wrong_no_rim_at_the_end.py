"""The difference to the rim at the end is forgotten."""

EXPECTED = {"test_difference_matrices": 0}


# %% grade_id: difference_matrices
def difference_matrices(rows, columns):
    def line(n):
        matrix = torch.zeros(n + 1, n, dtype=torch.float64)
        for k in range(n):
            matrix[k, k] = 1
            matrix[k, k - 1] = -1 if k else matrix[k, k - 1]
        return matrix

    return torch.kron(torch.eye(rows).double(), line(columns)), torch.kron(line(rows), torch.eye(columns).double())
