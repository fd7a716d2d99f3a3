"""Everything is computed in float64, and rounded where points are asked about and where results are returned."""

EXPECTED = {}


# %% grade_id: rademacher_gradient
def rademacher_gradient(score, images, samples, sigma, generator):
    x = images.detach().double()
    u = torch.empty(samples // 2, *x.shape, dtype=torch.float64).random_(0, 2, generator=generator) * 2 - 1
    rows = torch.arange(len(x))
    slopes = [
        (score((x + sigma * v).to(images.dtype), rows).double() - score((x - sigma * v).to(images.dtype), rows))
        / (2 * sigma)
        for v in u
    ]
    return (torch.stack(slopes).detach()[..., None, None, None] * u).mean(0).to(images.dtype)


# %% grade_id: orthogonal_gradient
def orthogonal_gradient(score, images, samples, sigma, generator):
    x = images.detach().double()
    drawn = torch.randn(len(x), x[0].numel(), samples // 2, generator=generator, dtype=torch.float64)
    v = torch.linalg.qr(drawn).Q.mul(x[0].numel() ** 0.5).mT.reshape(len(x), -1, *x.shape[1:])
    sides = torch.tensor([sigma, -sigma], dtype=torch.float64).view(2, 1, 1, 1, 1, 1)
    points = (x[:, None] + sides * v).to(images.dtype)
    rows = torch.arange(len(x)).view(1, -1, 1).expand(points.shape[:3])
    values = score(points.flatten(0, 2), rows.flatten()).detach().double().view(points.shape[:3])
    return torch.einsum("snk,s,nkchw->nchw", values, sides.flatten().sign(), v).div(samples * sigma).to(images.dtype)


# %% grade_id: spread
def spread(estimates_of_all):
    g = estimates_of_all.detach().double().flatten(2)
    repeats, mean = len(g), g.mean(0)
    variance = (g.square().mean(0) - mean.square()).sum(1) * repeats / (repeats - 1)
    signal = mean.square().sum(1) - variance / repeats
    return variance.to(estimates_of_all.dtype), signal.to(estimates_of_all.dtype)


# %% grade_id: attack_under_budget
def attack_under_budget(oracle, images, labels, eps, step_size, samples, sigma, momentum, generator):
    dtype, first = images.dtype, images.detach().double()
    x, velocity = first.clone(), torch.zeros_like(first)
    shown = images.detach().clone()
    record = torch.full((len(first),), -torch.inf, dtype=torch.float64)

    def lead(points, numbers):
        z = oracle(points.to(dtype), numbers).double()
        own = torch.nn.functional.one_hot(labels[numbers], z.shape[1]).bool()
        return torch.where(own, -torch.inf, z).max(dim=1)[0] - (z * own).sum(1)

    going = oracle.left(torch.arange(len(first))) >= 1
    while bool(going.any()):
        numbers = going.nonzero().view(-1)
        value = lead(x[numbers], numbers)
        for number, v in zip(numbers.tolist(), value.tolist(), strict=True):
            if v > record[number]:
                record[number], shown[number] = v, x[number].to(dtype)
        going[numbers[(value > 0) | (oracle.left(numbers) < samples + 1)]] = False
        numbers = going.nonzero().view(-1)
        if not len(numbers):
            break
        here = x[numbers].to(dtype)
        g = rademacher_gradient(lambda p, r, n=numbers: lead(p, n[r]), here, samples, sigma, generator).double()
        length = g.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
        velocity[numbers] = momentum * velocity[numbers] + torch.nan_to_num(g / length)
        low, high = (first[numbers] - eps).clamp_min(0), (first[numbers] + eps).clamp_max(1)
        x[numbers] = (x[numbers] + step_size * velocity[numbers].sign()).clamp(low, high)
    return shown


# %% grade_id: rank_score
def rank_score(oracle, images, targets, copies, mu, generator):
    x, numbers, ranks = images.double(), torch.arange(len(images)), []
    for _ in range(copies // 2):
        u = torch.randn(x.shape, generator=generator, dtype=torch.float64)
        for side in (1, -1):
            hit = oracle((x + side * mu * u).to(images.dtype), numbers).classes == targets[:, None]
            earlier = hit.cumsum(1)  # 1 from the target's place to the end of the list
            ranks.append(earlier.double().mean(1))
    return torch.stack(ranks).mean(0).to(images.dtype)


# %% grade_id: boundary_distance
def boundary_distance(scores, copies, mu):
    share = scores.double()
    share = share.masked_fill(scores == 0, 0.5 / copies).masked_fill(scores == 1, 1 - 0.5 / copies)
    return (mu * torch.special.ndtri(share)).to(scores.dtype)


# %% grade_id: shrink
def shrink(oracle, images, starts, targets, queries):
    x, s, dtype = images.double(), starts.double(), images.dtype
    whole = (s - x).abs().flatten(1).max(1).values
    cells, size = torch.ones(len(x), dtype=torch.int64), 1  # b is cells / size of the whole radius

    def cut(share):
        r = (share * whole).view(-1, 1, 1, 1)
        return (x + torch.maximum(torch.minimum(s - x, r), -r)).to(dtype)

    numbers = torch.arange(len(x))
    begun = (oracle(starts, numbers).classes == targets[:, None]).sum(1) > 0
    on = numbers[begun]
    for _ in range(queries - 1):
        if len(on) == 0:
            break
        cells, size = 2 * cells, 2 * size
        listed = oracle(cut((cells - 1) / size)[on], on).classes
        cells[on] -= (listed == targets[on, None]).sum(1)
    b = cells.double() / size
    kept = begun.view(-1, 1, 1, 1)
    return torch.where(kept, cut(b), starts), torch.where(begun, b * whole, torch.inf).to(dtype)
