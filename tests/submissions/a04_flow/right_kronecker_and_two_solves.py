"""Kronecker products, and P + gamma P² as two systems, by Cholesky."""

EXPECTED = {}


# %% grade_id: difference_matrices
def difference_matrices(rows, columns):
    def line(n):
        return F.pad(torch.eye(n).double(), (0, 0, 0, 1)) - F.pad(torch.eye(n).double(), (0, 0, 1, 0))

    return torch.kron(torch.eye(rows).double(), line(columns)), torch.kron(line(rows), torch.eye(columns).double())


# %% grade_id: dense_stream
def dense_stream(c, gamma, alpha):
    x, y = difference_matrices(*c.shape[1:])
    p = x.T @ x + y.T @ y
    half = torch.cholesky_solve(-c.double().flatten(1).T / alpha, torch.linalg.cholesky(p))
    whole = torch.cholesky_solve(half, torch.linalg.cholesky(torch.eye(len(p)).double() + gamma * p))
    return whole.T.reshape(c.shape).to(c.dtype)
