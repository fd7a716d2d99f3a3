"""Everything is done in place, in the caller's tensor."""

EXPECTED = {"test_stream_gradient": 0}


# %% grade_id: stream_gradient
def stream_gradient(d):
    d /= 2
    turn = d[:, 0, :-1, :-1] + d[:, 0, :-1, 1:] - d[:, 0, 1:, :-1] - d[:, 0, 1:, 1:]
    return turn - d[:, 1, :-1, :-1] + d[:, 1, :-1, 1:] - d[:, 1, 1:, :-1] + d[:, 1, 1:, 1:]
