"""I + alpha gamma P: gamma is multiplied by alpha, which then multiplies everything."""

EXPECTED = {"test_dense_field": 0}


# %% grade_id: dense_field
def dense_field(d, gamma, alpha):
    d_x, d_y = difference_matrices(*d.shape[2:])
    system = alpha * (torch.eye(len(d_x), dtype=d.dtype) + alpha * gamma * (d_x.T @ d_x + d_y.T @ d_y))
    return -torch.linalg.solve(system, d.flatten(2).mT).mT.reshape(d.shape)
