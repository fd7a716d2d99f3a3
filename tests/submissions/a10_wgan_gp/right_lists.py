"""Lists and comprehensions; schedules by itertools; a layer's norm from a list of its iterates."""

EXPECTED = {}


# %% grade_id: perturbed_penalty
def perturbed_penalty(critic, real, noise, p, below, generator):
    shares = torch.rand(len(real), generator=generator, dtype=real.dtype)
    points = [(x + e * d).detach().requires_grad_() for x, e, d in zip(real, shares, noise, strict=True)]
    slopes = torch.autograd.grad(critic(torch.stack(points)).sum(), points, create_graph=True)
    norm = {1: lambda v: v.abs().max(), 2: lambda v: torch.linalg.vector_norm(v), math.inf: lambda v: v.abs().sum()}[p]
    s = torch.stack([norm(v) for v in slopes])
    return torch.maximum(s - 1, torch.zeros_like(s)) ** 2 + below * torch.minimum(s - 1, torch.zeros_like(s)) ** 2


# %% grade_id: leak
def leak(critic, points):
    images = [x.detach().clone().requires_grad_() for x in points]
    scores = list(critic(torch.stack(images)))
    slopes = [torch.autograd.grad(s, images, retain_graph=True) for s in scores]
    n = len(images)
    foreign = [sum((slopes[j][i] for j in range(n) if j != i), torch.zeros_like(images[i])) for i in range(n)]
    return torch.stack([f.norm() for f in foreign]).detach()


# %% grade_id: critic_loss
def critic_loss(critic, real, fake, gamma):
    x, y = ([image.detach().clone().requires_grad_() for image in batch] for batch in (real, fake))
    at_x, at_y = critic(torch.stack(x)), critic(torch.stack(y))
    slopes = torch.autograd.grad(at_x.sum() + at_y.sum(), [*x, *y], create_graph=True)
    squares = torch.stack([slope.pow(2).sum() for slope in slopes]).view(2, -1).sum(0)
    return -F.logsigmoid(at_x - at_y) + squares * gamma / 2


# %% grade_id: generator_loss
def generator_loss(critic, real, fake):
    losses = []
    for x, y in zip(real, fake, strict=True):
        a, b = critic(x[None]).squeeze(0), critic(y[None]).squeeze(0)
        losses.append(F.softplus(a - b))
    return torch.stack(losses)


# %% grade_id: contraction
def contraction(gamma, step, alternating):
    columns = []
    for psi, theta in ((1.0, 0.0), (0.0, 1.0)):
        moved = psi - step * (2 * gamma * psi + theta / 2)
        columns.append([moved, theta + step * (moved if alternating else psi) / 2])
    return max(abs(v) for v in torch.linalg.eigvals(torch.tensor(columns, dtype=torch.float64)).tolist())


# %% grade_id: train
def train(generator, critic, batches, losses, rounds, critic_steps, latent, rates, decay, chance, after=None):
    from contextlib import contextmanager
    from itertools import chain, repeat

    @contextmanager
    def held(network):
        """Its weights take no gradient for a while."""
        before = [p.requires_grad for p in network.parameters()]
        network.requires_grad_(False)
        try:
            yield
        finally:
            for p, asked in zip(network.parameters(), before, strict=True):
                p.requires_grad_(asked)

    networks, average = [critic, generator], copy.deepcopy(generator)
    adams = [torch.optim.Adam(n.parameters(), lr=r, betas=(0.0, 0.9)) for n, r in zip(networks, rates, strict=True)]
    schedule = chain.from_iterable(repeat([0] * critic_steps + [1], rounds))
    for who in schedule:
        real = next(batches)
        z = torch.randn(len(real), latent, generator=chance, dtype=real.dtype)
        with held(networks[1 - who]):
            loss = losses[who](critic, real, generator(z)).mean()
            networks[who].zero_grad()
            loss.backward()
        adams[who].step()
        networks[who].zero_grad()
        if who:
            new = [decay * a + (1 - decay) * w for a, w in zip(average.parameters(), generator.parameters())]
            for a, value in zip(average.parameters(), new, strict=True):
                a.data = value.detach()
        elif after is not None:
            after(critic)
    for network in networks:
        network.zero_grad()
    for a, b in zip(average.buffers(), generator.buffers(), strict=True):
        a.data.copy_(b)
    return average


# %% grade_id: spectral_norm
def spectral_norm(layer, start, steps):
    with torch.no_grad():
        nothing = layer(torch.zeros_like(start))

    def image(v):
        return layer(v) - nothing

    iterates = [start.detach()]
    for _ in range(steps):
        x = iterates[-1].clone().requires_grad_()
        y = image(x)
        (w,) = torch.autograd.grad((y * y.detach()).sum(), x)
        if w.abs().max() == 0:
            return 0.0
        iterates.append(w / w.norm())
    last = iterates[-1]
    return math.sqrt(image(last).detach().square().sum().item() / last.square().sum().item())


# %% grade_id: project
def project_(critic, shape, bound, steps, generator):
    layers, x = list(critic), torch.zeros(2, *shape, dtype=next(critic.parameters()).dtype)
    seen = [(layer, critic[:i](x)[:1].detach() if i else x[:1]) for i, layer in enumerate(layers)]
    pairs = [
        (layer, torch.randn(v.shape, generator=generator, dtype=v.dtype))
        for layer, v in seen
        if len([*layer.parameters()])
    ]
    norms = [float(spectral_norm(layer, start, steps)) for layer, start in pairs]
    for (layer, _), norm in zip(pairs, norms, strict=True):
        if norm > bound:
            layer.weight.data /= norm / bound


# %% grade_id: lipschitz
def lipschitz(critic, points, steps, generator):
    images = [x[None].detach().clone().requires_grad_() for x in points]
    slopes = torch.autograd.grad([critic(x).squeeze() for x in images], images)
    kinds = [isinstance(layer, nn.Linear | nn.Conv2d) for layer in critic]
    given = [critic[:i](points[:1]).detach() if i else points[:1] for i in range(len(kinds))]
    norms = [
        spectral_norm(layer, torch.randn(x.shape, generator=generator, dtype=x.dtype), steps)
        for layer, x, linear in zip(critic, given, kinds, strict=True)
        if linear
    ]
    return max(float(s.norm()) for s in slopes), math.prod(float(n) for n in norms)
