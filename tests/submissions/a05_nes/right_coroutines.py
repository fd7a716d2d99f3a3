"""Each image is a generator that yields the points it wants to ask about; a driver asks for all of them together."""

EXPECTED = {}


# %% grade_id: rademacher_gradient
def answered(ask, tasks):
    """Run the tasks by their numbers; what each returns. All that wait are asked about in one call."""
    results, waiting = {}, {}

    def resume(number, answer):
        try:
            waiting[number] = tasks[number].send(answer)
        except StopIteration as end:
            results[number] = end.value
            waiting.pop(number, None)

    for number in tasks:
        resume(number, None)
    while waiting:
        sizes = [len(points) for points in waiting.values()]
        rows = torch.tensor(list(waiting)).repeat_interleave(torch.tensor(sizes))
        answers = ask(torch.cat(list(waiting.values())), rows)
        for number, answer in zip(list(waiting), answers.split(sizes), strict=True):
            resume(number, answer)
    return [results[number] for number in tasks]


def rademacher_gradient(score, images, samples, sigma, generator):
    def task(x):
        guesses = []
        for _ in range(samples // 2):
            u = torch.randint(0, 2, x.shape, generator=generator).to(x.dtype).mul(2).sub(1)
            up, down = (yield torch.stack([x + sigma * u, x - sigma * u])).detach()
            guesses.append(u * (up - down))
        return sum(guesses) / (sigma * samples)

    return torch.stack(answered(score, {n: task(x) for n, x in enumerate(images.detach())}))


# %% grade_id: orthogonal_gradient
def orthogonal_gradient(score, images, samples, sigma, generator):
    def task(x):
        normal = torch.randn(samples // 2, x.numel(), generator=generator, dtype=x.dtype)
        v = torch.linalg.qr(normal.T).Q.T.reshape(-1, *x.shape) * x.numel() ** 0.5
        values = (yield torch.cat([x + sigma * v, x - sigma * v])).detach().view(2, -1)
        slopes = values.diff(dim=0)[0] / (-2 * sigma)
        return torch.stack([s * w for s, w in zip(slopes, v, strict=True)]).mean(0)

    return torch.stack(answered(score, dict(enumerate(map(task, images.detach())))))


# %% grade_id: spread
def spread(estimates_of_all):
    def one(own):
        repeats, others = len(own), own.sum(0) - own  # the sums of all estimates but one
        signal = (own * others).sum() / (repeats * (repeats - 1))
        return (own - others / (repeats - 1)).square().sum() * (repeats - 1) / repeats**2, signal

    pairs = [one(own) for own in estimates_of_all.detach().flatten(2).unbind(1)]
    variance, signal = (torch.stack(column) for column in zip(*pairs, strict=True))
    return variance, signal


# %% grade_id: attack_under_budget
def attack_under_budget(oracle, images, labels, eps, step_size, samples, sigma, momentum, generator):
    def task(n, clean):
        y, left = labels[n], int(oracle.left(torch.tensor([n])))
        x, velocity, seen = clean, torch.zeros_like(clean), []

        def leads(z):
            return z[:, torch.arange(z.shape[1]) != y].max(1).values - z[:, y]

        while left:
            value = leads((yield x[None])).item()
            seen.append((value, x))
            left -= 1
            if value > 0 or left <= samples:
                break
            u = torch.randint(2, (samples // 2, *x.shape), generator=generator).mul(2).sub(1).to(x.dtype)
            up, down = leads((yield torch.cat([x + sigma * u, x - sigma * u]))).view(2, -1)
            left -= samples
            g = ((up - down).view(-1, 1, 1, 1) * u).mean(0)
            velocity = momentum * velocity
            if g.abs().max() > 0:
                velocity = velocity + g / g.square().sum().sqrt()
            x = torch.clamp(x + step_size * velocity.sign(), (clean - eps).clamp(0), (clean + eps).clamp(max=1))
        return max(seen, key=lambda pair: pair[0])[1].clone() if seen else clean.clone()

    return torch.stack(answered(oracle, {n: task(n, x) for n, x in enumerate(images.detach())}))


# %% grade_id: rank_score
def rank_score(oracle, images, targets, copies, mu, generator):
    def task(n, x):
        u = torch.randn(copies // 2, *x.shape, generator=generator, dtype=x.dtype)
        listed = yield torch.cat([x + mu * u, x - mu * u])
        places = (listed == targets[n]).nonzero()[:, 1]  # of those that list it
        return ((oracle.k - places) / oracle.k).sum().to(x.dtype) / copies

    tasks = {n: task(n, x) for n, x in enumerate(images)}
    return torch.stack(answered(lambda points, rows: oracle(points, rows).classes, tasks))


# %% grade_id: boundary_distance
def boundary_distance(scores, copies, mu):
    from scipy.special import erfcinv

    def share(score):
        return {0.0: 0.5 / copies, 1.0: 1 - 0.5 / copies}.get(score, score)

    return scores.new_tensor([-mu * 2**0.5 * erfcinv(2 * share(score)) for score in scores.tolist()])


# %% grade_id: shrink
def shrink(oracle, images, starts, targets, queries):
    def task(n, x, s):
        if not ((yield s[None]) == targets[n]).any():
            return s.clone(), torch.inf
        a, b = 0.0, (s - x).abs().max().item()
        for _ in range(1, queries):
            r = (a + b) / 2
            a, b = (a, r) if ((yield (x + (s - x).clip(-r, r))[None]) == targets[n]).any() else (r, b)
        return x + (s - x).clip(-b, b), b

    tasks = {n: task(n, *pair) for n, pair in enumerate(zip(images, starts, strict=True))}
    results, radii = zip(*answered(lambda points, rows: oracle(points, rows).classes, tasks), strict=True)
    return torch.stack(results), torch.tensor(radii, dtype=images.dtype)
