"""scipy's dctn and idctn; the slope from the field of the dense solver."""

EXPECTED = {}


# %% grade_id: fast_field
def fast_field(d, gamma, alpha):
    import numpy as np
    from scipy.fft import dctn, idctn

    height, width = d.shape[2:]
    values = (2 * np.sin(np.pi * np.arange(height) / (2 * height))) ** 2
    values = values[:, None] + (2 * np.sin(np.pi * np.arange(width) / (2 * width))) ** 2
    spectrum = dctn(d.numpy(), axes=(2, 3), norm="ortho") / (1 + gamma * values)
    return torch.from_numpy(-idctn(spectrum, axes=(2, 3), norm="ortho") / alpha).to(d.dtype)


# %% grade_id: predicted_slope
def predicted_slope(d, gamma, alpha):
    v = dense_field(d, gamma, alpha)
    return torch.stack([-(a.flatten() @ b.flatten()) for a, b in zip(d, v)])
