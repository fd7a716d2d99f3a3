"""The eigenvalues of rows and columns are multiplied."""

EXPECTED = {"test_fast_field": 0}


# %% grade_id: fast_field
def fast_field(d, gamma, alpha):
    (rows, a), (columns, b) = (cosine_transform(n) for n in d.shape[2:])
    rows, columns, factor = rows.to(d), columns.to(d), (alpha * (1 + gamma * a[:, None] * b)).to(d)
    return -rows.T @ (rows @ d @ columns.T / factor) @ columns
