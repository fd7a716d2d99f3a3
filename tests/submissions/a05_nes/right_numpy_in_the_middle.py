"""NumPy does the arithmetic; torch draws, and carries points to the score."""

EXPECTED = {}


# %% grade_id: rademacher_gradient
import numpy as np


def rademacher_gradient(score, images, samples, sigma, generator):
    x, pairs = images.detach().numpy(), samples // 2
    coins = torch.randint(2, (len(images), pairs, *images.shape[1:]), generator=generator).numpy()
    u = (2 * coins - 1).astype(x.dtype)
    points = np.stack([x[:, None] + sigma * u, x[:, None] - sigma * u], axis=2)
    rows = np.repeat(np.arange(len(x)), samples)
    values = score(torch.from_numpy(points.reshape(-1, *x.shape[1:])), torch.from_numpy(rows)).detach().numpy()
    up, down = np.moveaxis(values.reshape(len(x), pairs, 2), 2, 0)
    return torch.from_numpy((((up - down) / (2 * sigma))[..., None, None, None] * u).mean(axis=1))


# %% grade_id: orthogonal_gradient
import numpy as np


def orthogonal_gradient(score, images, samples, sigma, generator):
    x, pairs = images.detach().numpy(), samples // 2
    drawn = torch.randn(len(x), x[0].size, pairs, generator=generator, dtype=images.dtype).numpy()
    basis = np.linalg.qr(drawn)[0] * np.sqrt(x[0].size).astype(x.dtype)
    v = np.ascontiguousarray(np.swapaxes(basis, 1, 2)).reshape(len(x), pairs, *x.shape[1:])
    slopes = np.empty((len(x), pairs), x.dtype)
    for k in range(pairs):
        up, down = (
            score(torch.from_numpy(x + side * v[:, k]), torch.arange(len(x))).detach().numpy()
            for side in (sigma, -sigma)
        )
        slopes[:, k] = (up - down) / (2 * sigma)
    return torch.from_numpy(np.einsum("nk,nkchw->nchw", slopes, v) / pairs)


# %% grade_id: spread
import numpy as np


def spread(estimates_of_all):
    rows = estimates_of_all.detach().numpy()
    rows = rows.reshape(*rows.shape[:2], -1)
    variance = np.var(rows, axis=0, ddof=1).sum(axis=-1)
    signal = np.square(rows.mean(axis=0)).sum(axis=-1) - variance / len(rows)
    return torch.from_numpy(variance), torch.from_numpy(signal)


# %% grade_id: attack_under_budget
import numpy as np


def attack_under_budget(oracle, images, labels, eps, step_size, samples, sigma, momentum, generator):
    clean, y = images.detach().numpy().copy(), labels.numpy()
    low, high = np.maximum(clean - eps, 0), np.minimum(clean + eps, 1)
    x, best, velocity = clean.copy(), clean.copy(), np.zeros_like(clean)
    record = np.full(len(clean), -np.inf)

    def lead(points, rows):
        z = oracle(points, rows).detach().numpy().copy()
        at = np.arange(len(z)), y[rows.numpy()]
        own = z[at]
        z[at] = -np.inf
        return z.max(axis=1) - own

    on = np.flatnonzero(oracle.left(torch.arange(len(clean))).numpy() > 0)
    while on.size:
        value = lead(torch.from_numpy(x[on]), torch.from_numpy(on))
        better = value > record[on]
        record[on[better]], best[on[better]] = value[better], x[on[better]]
        on = on[(value <= 0) & (oracle.left(torch.from_numpy(on)).numpy() > samples)]
        if not on.size:
            break
        numbers = torch.from_numpy(on)

        def score(points, rows, numbers=numbers):
            return torch.from_numpy(lead(points, numbers[rows]))

        g = rademacher_gradient(score, torch.from_numpy(x[on]), samples, sigma, generator).numpy()
        length = np.sqrt(np.square(g).sum(axis=(1, 2, 3), keepdims=True))
        velocity[on] = momentum * velocity[on] + np.divide(g, length, out=np.zeros_like(g), where=length > 0)
        x[on] = np.clip(x[on] + step_size * np.sign(velocity[on]), low[on], high[on])
    return torch.from_numpy(best)


# %% grade_id: rank_score
import numpy as np


def rank_score(oracle, images, targets, copies, mu, generator):
    total, ranks = np.zeros(len(images)), np.arange(oracle.k, 0, -1) / oracle.k
    for _ in range(copies // 2):
        noise = mu * torch.randn(images.shape, generator=generator, dtype=images.dtype)
        for points in (images - noise, images + noise):
            listed = oracle(points, torch.arange(len(images))).classes.numpy()
            total += (listed == targets.numpy()[:, None]) @ ranks
    return torch.from_numpy(total / copies).to(images.dtype)


# %% grade_id: boundary_distance
import numpy as np
from scipy.stats import norm


def boundary_distance(scores, copies, mu):
    share = scores.detach().numpy().astype(np.float64)
    share = np.select([share == 0, share == 1], [0.5 / copies, 1 - 0.5 / copies], share)
    return torch.from_numpy(mu * norm.ppf(share)).to(scores.dtype)


# %% grade_id: shrink
import numpy as np


def shrink(oracle, images, starts, targets, queries):
    x, way, goals = images.numpy(), (starts - images).numpy(), targets.numpy()
    b = np.abs(way).max(axis=(1, 2, 3))
    a = np.zeros_like(b)

    def cut(r, which):
        r = r[which].reshape(-1, 1, 1, 1)
        return torch.from_numpy(x[which] + np.clip(way[which], -r, r))

    def listed(points, which):
        return (oracle(points, torch.from_numpy(which)).classes.numpy() == goals[which, None]).any(axis=1)

    everyone = np.arange(len(x))
    first = listed(starts, everyone)
    on = everyone[first]
    for _ in range(queries - 1):
        if on.size:
            middle = (a + b) / 2
            there = listed(cut(middle, on), on)
            b[on[there]], a[on[~there]] = middle[on[there]], middle[on[~there]]
    result = torch.where(torch.from_numpy(first).view(-1, 1, 1, 1), cut(b, everyone), starts)
    return result, torch.from_numpy(np.where(first, b, np.inf).astype(b.dtype))
