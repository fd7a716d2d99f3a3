"""The lecture's square matrices: no difference beyond the last corner, none before the first."""

EXPECTED = {"test_difference_matrices": 0}


# %% grade_id: difference_matrices
def difference_matrices(rows, columns):
    def line(n):
        matrix = torch.diag(torch.ones(n - 1, dtype=torch.float64), 1) - torch.eye(n, dtype=torch.float64)
        matrix[-1] = 0
        return matrix

    return torch.kron(torch.eye(rows).double(), line(columns)), torch.kron(line(rows), torch.eye(columns).double())
