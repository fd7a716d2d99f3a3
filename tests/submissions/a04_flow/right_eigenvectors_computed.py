"""The eigenvectors are found numerically."""

EXPECTED = {}


# %% grade_id: sine_transform
def sine_transform(n):
    matrix = difference_matrices(1, n)[0]
    values, vectors = torch.linalg.eigh(matrix.T @ matrix)
    return (vectors * vectors[0].sign()).T, values


# %% grade_id: fast_stream
def fast_stream(c, gamma, alpha):
    S, u = sine_transform(c.shape[1])
    T, v = sine_transform(c.shape[2])
    e = torch.stack([x + v for x in u])
    hat = torch.einsum("ki,nij,lj->nkl", S, c.double(), T)
    return -torch.einsum("ki,nkl,lj->nij", S, hat / (e + gamma * e**2), T).to(c) / alpha
