"""The way back uses the transforms instead of their transposes."""

EXPECTED = {"test_fast_field": 0}


# %% grade_id: fast_field
def fast_field(d, gamma, alpha):
    (rows, a), (columns, b) = (cosine_transform(n) for n in d.shape[2:])
    rows, columns, factor = rows.to(d), columns.to(d), (alpha * (1 + gamma * (a[:, None] + b))).to(d)
    return -rows @ (rows @ d @ columns.T / factor) @ columns.T
