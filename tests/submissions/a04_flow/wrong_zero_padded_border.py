"""Beyond the border there is a pixel of zero: the last row is -1 on the diagonal."""

EXPECTED = {"test_difference_matrices": 0}


# %% grade_id: difference_matrices
def difference_matrices(height, width):
    def steps(n):
        return torch.diag(torch.ones(n - 1, dtype=torch.float64), 1) - torch.eye(n, dtype=torch.float64)

    return torch.kron(torch.eye(height).double(), steps(width)), torch.kron(steps(height), torch.eye(width).double())
