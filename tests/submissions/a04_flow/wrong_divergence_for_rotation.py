"""How d spreads, in the place of how it turns."""

EXPECTED = {"test_stream_gradient": 0}


# %% grade_id: stream_gradient
def stream_gradient(d):
    across = (d[:, 0, 1:] + d[:, 0, :-1]).diff(dim=2) / 2
    along = (d[:, 1, :, 1:] + d[:, 1, :, :-1]).diff(dim=1) / 2
    return across + along
