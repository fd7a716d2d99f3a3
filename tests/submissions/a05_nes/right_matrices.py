"""Images are rows of a matrix: products in place of sums, Cholesky in place of QR, a Gram matrix of all estimates."""

EXPECTED = {}


# %% grade_id: rademacher_gradient
def rademacher_gradient(score, images, samples, sigma, generator):
    rows, pairs = images.detach().flatten(1), samples // 2
    u = torch.randint(2, (len(rows), pairs, rows.shape[1]), generator=generator).to(images.dtype).mul_(2).sub_(1)
    u = torch.cat([u, -u], dim=1)
    points = (rows[:, None] + sigma * u).reshape(-1, *images.shape[1:])
    values = score(points, torch.arange(len(rows)).repeat_interleave(samples)).detach()
    return (values.view(-1, 1, samples) @ u / (samples * sigma)).view(images.shape)


# %% grade_id: orthogonal_gradient
def orthogonal_gradient(score, images, samples, sigma, generator):
    rows, pairs = images.detach().flatten(1), samples // 2
    q = torch.randn(len(rows), pairs, rows.shape[1], generator=generator, dtype=torch.float64)
    for _ in range(2):  # the second time for what rounding has left
        q = torch.linalg.solve_triangular(torch.linalg.cholesky(q @ q.mT), q, upper=False)
    v = (rows.shape[1] ** 0.5 * q).to(images.dtype)
    v = torch.cat([v, -v], dim=1)
    points = (rows[:, None] + sigma * v).reshape(-1, *images.shape[1:])
    values = score(points, torch.arange(len(rows)).repeat_interleave(samples)).detach()
    return (values.view(-1, 1, samples) @ v / (samples * sigma)).view(images.shape)


# %% grade_id: spread
def spread(estimates_of_all):
    rows = estimates_of_all.detach().flatten(2).transpose(0, 1)
    products = rows @ rows.mT
    repeats, own = len(estimates_of_all), products.diagonal(dim1=1, dim2=2).sum(1)
    signal = (products.sum((1, 2)) - own) / (repeats * (repeats - 1))
    return own / repeats - signal, signal


# %% grade_id: attack_under_budget
def attack_under_budget(oracle, images, labels, eps, step_size, samples, sigma, momentum, generator):
    shape, clean = images.shape[1:], images.detach().flatten(1).clone()
    x, v, best = clean.clone(), torch.zeros_like(clean), clean.clone()
    record = clean.new_full((len(clean),), -torch.inf)

    def lead(rows_of_pixels, numbers):
        z = oracle(rows_of_pixels.reshape(-1, *shape), numbers)
        marks = torch.zeros_like(z).scatter_(1, labels[numbers, None], torch.inf)
        return (z - marks).max(1).values - z.gather(1, labels[numbers, None]).squeeze(1)

    on = torch.arange(len(clean))
    on = on[oracle.left(on).gt(0)]
    while on.numel():
        value = lead(x[on], on)
        up = on[value > record[on]]
        record[up], best[up] = value[value > record[on]], x[up]
        on = on[value.le(0) & oracle.left(on).ge(samples + 1)]
        if on.numel() == 0:
            break
        g = rademacher_gradient(lambda p, r: lead(p, on[r]), x[on].view(-1, *shape), samples, sigma, generator)
        g = g.flatten(1)
        length = torch.linalg.vector_norm(g, dim=1)
        length[length == 0] = 1
        v[on] = momentum * v[on] + torch.diag(1 / length) @ g
        x[on] = (clean[on] + (x[on] + step_size * v[on].sign() - clean[on]).clamp(-eps, eps)).clamp(0, 1)
    return best.view(images.shape)


# %% grade_id: rank_score
def rank_score(oracle, images, targets, copies, mu, generator):
    u = torch.randn(copies // 2, *images.shape, generator=generator, dtype=images.dtype)
    points = torch.cat([images + mu * u, images - mu * u])
    numbers = torch.arange(len(images)).repeat(copies)
    listed = oracle(points.flatten(0, 1), numbers).classes
    ranks = torch.arange(oracle.k, 0, -1, dtype=images.dtype) / oracle.k
    return ((listed == targets[numbers, None]).to(images.dtype) @ ranks).view(copies, -1).mean(0)


# %% grade_id: boundary_distance
def boundary_distance(scores, copies, mu):
    half = 1 / (2 * copies)
    share = scores + half * (scores == 0) - half * (scores == 1)
    return torch.distributions.Normal(torch.zeros_like(scores), torch.full_like(scores, mu)).icdf(share)


# %% grade_id: shrink
def shrink(oracle, images, starts, targets, queries):
    x, s = images.flatten(1), starts.flatten(1)
    ends = torch.stack([torch.zeros(len(x), dtype=x.dtype), (s - x).abs().max(1).values], dim=1)

    def cut(radius):
        return torch.clamp(s, x - radius[:, None], x + radius[:, None]).view(images.shape)

    def listed(points, numbers):
        return torch.isin(oracle(points[numbers], numbers).classes - targets[numbers, None], torch.tensor(0)).any(1)

    numbers = torch.arange(len(x))
    begun = listed(starts, numbers)
    on = numbers[begun]
    for _ in range(queries - 1 if len(on) else 0):
        middle = ends.mean(1)
        there = listed(cut(middle), on)
        ends[on, there.long()] = middle[on]
    result = cut(ends[:, 1])
    result[~begun] = starts[~begun]
    return result, ends[:, 1].masked_fill(~begun, torch.inf)
