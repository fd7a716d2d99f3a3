"""The dense system is solved in scipy, as a sparse one."""

EXPECTED = {}


# %% grade_id: dense_stream
def dense_stream(c, gamma, alpha):
    import scipy.sparse
    import scipy.sparse.linalg

    x, y = (scipy.sparse.csc_matrix(m.numpy()) for m in difference_matrices(*c.shape[1:]))
    p = x.T @ x + y.T @ y
    solve = scipy.sparse.linalg.factorized((alpha * (p + gamma * p @ p)).tocsc())
    solved = [solve(-picture.double().numpy().ravel()) for picture in c]
    return torch.stack([torch.from_numpy(s) for s in solved]).to(c.dtype).view(c.shape)
