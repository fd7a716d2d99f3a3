"""Buffers of its own are written in place; pairs are asked about in small parts of any size."""

EXPECTED = {}


# %% grade_id: rademacher_gradient
def rademacher_gradient(score, images, samples, sigma, generator):
    pairs, total = samples // 2, torch.zeros_like(images, requires_grad=False)
    u = torch.empty(pairs * len(images), *images.shape[1:], dtype=images.dtype)
    u.uniform_(-1, 1, generator=generator)
    u[u >= 0] = 1
    u[u < 0] = -1
    rows = torch.arange(len(images)).repeat(pairs)
    for part, numbers in zip(u.split(5), rows.split(5), strict=True):
        base = images.detach()[numbers]
        base.add_(part, alpha=sigma)
        slope = score(base.clone(), numbers).detach().clone()
        base.sub_(part, alpha=2 * sigma)
        slope -= score(base, numbers).detach()
        slope /= 2 * sigma
        total.index_add_(0, numbers, part.mul(slope.view(-1, 1, 1, 1)))
    return total.div_(pairs)


# %% grade_id: orthogonal_gradient
def orthogonal_gradient(score, images, samples, sigma, generator):
    import scipy.linalg

    pairs, size, rows = samples // 2, images[0].numel(), torch.arange(len(images))
    v = torch.empty(pairs, len(images), size, dtype=torch.float64)
    for n in range(len(images)):
        normal = torch.randn(size, pairs, generator=generator, dtype=torch.float64).numpy()
        v[:, n] = torch.from_numpy(scipy.linalg.qr(normal, mode="economic", pivoting=True)[0].T.copy())
    v = v.mul_(size**0.5).to(images.dtype).view(pairs, *images.shape)
    total = torch.zeros_like(images, requires_grad=False)
    for direction in v:
        slope = score(torch.add(images, direction, alpha=sigma), rows).detach().clone()
        slope -= score(torch.sub(images, direction, alpha=sigma), rows).detach()
        total.addcmul_(slope.view(-1, 1, 1, 1), direction, value=1 / (2 * sigma))
    total /= pairs
    return total


# %% grade_id: spread
def spread(estimates_of_all):
    own = estimates_of_all.detach().clone().flatten(2)
    mean = own.mean(0)
    own -= mean
    own.square_()
    variance = own.sum(dim=(0, 2)).div_(len(own) - 1)
    signal = mean.square_().sum(1)
    signal.sub_(variance, alpha=1 / len(own))
    return [variance, signal]


# %% grade_id: attack_under_budget
def attack_under_budget(oracle, images, labels, eps, step_size, samples, sigma, momentum, generator):
    clean = images.detach().clone()
    best, record = clean.clone(), torch.full((len(clean),), -torch.inf, dtype=clean.dtype)

    def lead(points, numbers):
        z = oracle(points, numbers).clone()
        own = z.gather(1, labels[numbers].unsqueeze(1)).clone()
        z.scatter_(1, labels[numbers].unsqueeze(1), -torch.inf)
        return z.amax(1).sub_(own.squeeze(1))

    left = oracle.left(torch.arange(len(clean))).clone()
    on = left.nonzero().flatten()
    x, v = clean[on], torch.zeros_like(clean[on])
    while len(on):
        value = lead(x, on)
        left[on] -= 1
        better = value > record[on]
        best[on[better]] = x[better]
        record[on] = torch.maximum(record[on], value)
        stays = (value <= 0).logical_and_(left[on] >= samples + 1)
        on, x, v = on[stays], x[stays], v[stays]
        if not len(on):
            continue
        g = rademacher_gradient(lambda p, r, on=on: lead(p, on[r]), x, samples, sigma, generator)
        left[on] -= samples
        length = g.flatten(1).norm(dim=1)
        moving = length > 0
        v.mul_(momentum)
        v[moving] += g[moving] / length[moving].view(-1, 1, 1, 1)
        x.add_(v.sign(), alpha=step_size)
        torch.maximum(x, clean[on] - eps, out=x)
        torch.minimum(x, clean[on] + eps, out=x)
        x.clamp_(0, 1)
    return best


# %% grade_id: rank_score
def rank_score(oracle, images, targets, copies, mu, generator):
    scores = torch.zeros(len(images), dtype=images.dtype)
    for n in range(len(images)):
        points = images[n].repeat(copies, 1, 1, 1)
        u = torch.randn(copies // 2, *images.shape[1:], generator=generator, dtype=images.dtype)
        points[0::2].add_(u, alpha=mu)
        points[1::2].sub_(u, alpha=mu)
        listed = oracle(points, torch.full((copies,), n)).classes
        for place in range(oracle.k):
            scores[n] += (oracle.k - place) * (listed[:, place] == targets[n]).sum()
    return scores.div_(oracle.k * copies)


# %% grade_id: boundary_distance
def boundary_distance(scores, copies, mu):
    share = scores.clone()
    share[scores == 0] = 1 / copies / 2
    share[scores == 1] = 1 - 1 / copies / 2
    return torch.special.ndtri(share, out=share).mul_(mu)


# %% grade_id: shrink
def shrink(oracle, images, starts, targets, queries):
    numbers = torch.arange(len(images))
    on = numbers[(oracle(starts, numbers).classes - targets[:, None]).eq(0).any(1)]
    radii = torch.full((len(images),), torch.inf, dtype=images.dtype)
    result = starts.clone()
    if not len(on):
        return result, radii
    way, a = starts[on] - images[on], images.new_zeros(len(on))
    b = way.flatten(1).abs().amax(1)
    for _ in range(queries - 1):
        r = (a + b).div_(2)
        sides = r.view(-1, 1, 1, 1)
        points = images[on].add_(torch.minimum(torch.maximum(way, -sides), sides))
        there = oracle(points, on).classes.eq(targets[on].unsqueeze(1)).any(1)
        b[there] = r[there]
        a[~there] = r[~there]
    sides = b.view(-1, 1, 1, 1)
    result[on] = images[on] + way.clamp(-sides, sides)
    radii[on] = b
    return result, radii
