"""The grid, the ratio and the rates by NumPy, the results as its scalars."""

EXPECTED = {}


# %% grade_id: transform_grid
def transform_grid(max_shift, max_slant, shifts, slants):
    import itertools

    import numpy as np

    a, b = np.linspace(-1, 1, shifts), np.linspace(-1, 1, slants)
    a[shifts // 2] = b[slants // 2] = 0
    rows = sorted(itertools.product(a, a, b), key=lambda r: round(max(map(abs, r)), 9))
    return torch.from_numpy(np.array(rows) * [max_shift, max_shift, max_slant]).float()


# %% grade_id: noise_ratio
def noise_ratio(estimates):
    import numpy as np

    e = estimates.detach().numpy().reshape(len(estimates), estimates.shape[1], -1)
    v = np.var(e, axis=0, ddof=1).sum(-1)
    return torch.from_numpy(v / (np.square(e.mean(0)).sum(-1) - v / len(e)))


# %% grade_id: survival
def survival(model, adversarial, targets, transforms):
    import numpy as np

    with torch.no_grad():
        hits = [(model(slant_translate(adversarial, t)).argmax(1) == targets).numpy() for t in transforms]
    rates = np.mean(hits, axis=0)
    return np.float64(rates.mean()), 2 * rates.std(ddof=1) / np.sqrt(len(rates))
