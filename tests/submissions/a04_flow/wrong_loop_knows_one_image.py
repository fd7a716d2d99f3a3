"""Written for one image, the loop fills the first of the batch only."""

EXPECTED = {"test_stream_gradient": 0}


# %% grade_id: stream_gradient
def stream_gradient(d):
    n, _, height, width = d.shape
    c = torch.zeros(n, height - 1, width - 1, dtype=d.dtype)
    for i in range(height - 1):
        for j in range(width - 1):
            x, y = d[0, 0, i : i + 2, j : j + 2], d[0, 1, i : i + 2, j : j + 2]
            c[0, i, j] = (x[0].sum() - x[1].sum() - y[:, 0].sum() + y[:, 1].sum()) / 2
    return c
