"""The estimator knows whether its points are to be shuffled, and the attack says so."""

EXPECTED = {}


# %% grade_id: rademacher_gradient
def rademacher_gradient(score, images, samples, sigma, generator, *, shuffled=False):
    u = torch.randint(2, (samples // 2, *images.shape), generator=generator).to(images.dtype) * 2 - 1
    u = torch.cat([u, -u]).flatten(0, 1)
    rows = torch.arange(len(images)).repeat(samples)
    order = torch.randperm(len(u), generator=generator) if shuffled else torch.arange(len(u))
    u, rows = u[order], rows[order]
    values = score(images[rows] + sigma * u, rows).detach()
    total = torch.zeros_like(images)
    return total.index_add(0, rows, values.view(-1, 1, 1, 1) * u) / (samples * sigma)


# %% grade_id: attack_under_budget
def attack_under_budget(oracle, images, labels, eps, step_size, samples, sigma, momentum, generator):
    def loss(points, rows):
        logits = oracle(points, rows)
        own = torch.nn.functional.one_hot(labels[rows], logits.shape[1]).bool()
        return logits.masked_fill(own, -torch.inf).max(1).values - logits[own]

    best, x, v = images.clone(), images.clone(), torch.zeros_like(images)
    record = torch.full((len(images),), -torch.inf, dtype=images.dtype)
    on = torch.arange(len(images))[oracle.left(torch.arange(len(images))) >= 1]
    while len(on):
        value = loss(x[on], on)
        up = value > record[on]
        record[on[up]], best[on[up]] = value[up], x[on[up]]
        on = on[(value <= 0) & (oracle.left(on) > samples)]
        if not len(on):
            break
        g = rademacher_gradient(lambda p, r, on=on: loss(p, on[r]), x[on], samples, sigma, generator, shuffled=True)
        v[on] = momentum * v[on] + torch.nn.functional.normalize(g.flatten(1), dim=1, eps=1e-30).view_as(g)
        x[on] = images[on] + (x[on] + step_size * v[on].sign() - images[on]).clamp(-eps, eps)
        x[on] = x[on].clamp(0, 1)
    return best
