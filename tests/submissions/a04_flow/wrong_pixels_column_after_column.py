"""The Kronecker products stand in the order of a vector that stacks the columns."""

EXPECTED = {"test_difference_matrices": 0}


# %% grade_id: difference_matrices
def difference_matrices(height, width):
    def steps(n):
        matrix = torch.diag(torch.ones(n - 1, dtype=torch.float64), 1) - torch.eye(n, dtype=torch.float64)
        matrix[-1] = 0
        return matrix

    return torch.kron(steps(width), torch.eye(height).double()), torch.kron(torch.eye(width).double(), steps(height))
