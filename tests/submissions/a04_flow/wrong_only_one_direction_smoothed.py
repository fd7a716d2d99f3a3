"""P is D_xᵀ D_x alone."""

EXPECTED = {"test_dense_field": 0}


# %% grade_id: dense_field
def dense_field(d, gamma, alpha):
    d_x, _ = difference_matrices(*d.shape[2:])
    system = alpha * (torch.eye(len(d_x), dtype=d.dtype) + gamma * d_x.T @ d_x)
    return -torch.linalg.solve(system, d.flatten(2).mT).mT.reshape(d.shape)
