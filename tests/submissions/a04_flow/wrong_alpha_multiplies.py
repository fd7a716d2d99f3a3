"""The solution is multiplied by alpha instead of divided."""

EXPECTED = {"test_dense_field": 0, "test_fast_field": 0}


# %% grade_id: dense_field
def dense_field(d, gamma, alpha):
    d_x, d_y = difference_matrices(*d.shape[2:])
    system = torch.eye(len(d_x), dtype=d.dtype) + gamma * (d_x.T @ d_x + d_y.T @ d_y)
    return -alpha * torch.linalg.solve(system, d.flatten(2).mT).mT.reshape(d.shape)


# %% grade_id: fast_field
def fast_field(d, gamma, alpha):
    (rows, a), (columns, b) = (cosine_transform(n) for n in d.shape[2:])
    rows, columns, factor = rows.to(d), columns.to(d), (1 + gamma * (a[:, None] + b)).to(d)
    return -alpha * rows.T @ (rows @ d @ columns.T / factor) @ columns
