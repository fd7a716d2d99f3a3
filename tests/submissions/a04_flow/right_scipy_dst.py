"""The transform and the fast solution by scipy."""

EXPECTED = {}


# %% grade_id: sine_transform
def sine_transform(n):
    import numpy as np
    from scipy.fft import dst

    matrix = dst(np.eye(n), type=1, norm="ortho", axis=0)
    return torch.from_numpy(matrix), 4 * torch.sin(torch.pi / 2 * torch.arange(1, n + 1).double() / (n + 1)) ** 2


# %% grade_id: fast_stream
def fast_stream(c, gamma, alpha):
    from scipy.fft import dstn, idstn

    a, b = (sine_transform(n)[1].numpy() for n in c.shape[1:])
    p = a[:, None] + b[None]
    spectrum = dstn(c.detach().numpy(), type=1, axes=(1, 2)) / (alpha * p * (1 + gamma * p))
    return torch.from_numpy(-idstn(spectrum, type=1, axes=(1, 2))).to(c.dtype)
