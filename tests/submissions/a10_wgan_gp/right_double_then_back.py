"""Sums in float64, whatever the images are; lengths by their squares; the average is kept in float64."""

EXPECTED = {}


# %% grade_id: perturbed_penalty
def perturbed_penalty(critic, real, noise, p, below, generator):
    epsilon = torch.rand(len(real), generator=generator, dtype=real.dtype).double()
    moved = real.double() + torch.einsum("n,n...->n...", epsilon, noise.double())
    x = moved.to(real.dtype).detach().requires_grad_()
    slope = torch.autograd.grad(critic(x).double().sum(), x, create_graph=True)[0].double().flatten(1)
    if p == 2:
        square = slope.square().sum(1)
        s = torch.zeros_like(square)
        s[square > 0] = square[square > 0].sqrt()
    else:
        s = {1: torch.amax, math.inf: torch.sum}[p](slope.abs(), 1)
    over, under = (s - 1).relu(), (1 - s).relu()
    return (over * over + below * under * under).to(real.dtype)


# %% grade_id: leak
def leak(critic, points):
    x = points.detach().clone().requires_grad_()
    scores, found = critic(x), []
    for i in range(len(x)):
        others = scores[torch.arange(len(x)) != i].double().sum()
        if len(x) == 1:
            found.append(torch.zeros((), dtype=torch.float64))
        else:
            (slope,) = torch.autograd.grad(others, x, retain_graph=True)
            found.append(slope[i].double().pow(2).sum().sqrt())
    return torch.stack(found).to(points.dtype)


# %% grade_id: critic_loss
def critic_loss(critic, real, fake, gamma):
    x, y = (a.detach().clone().requires_grad_() for a in (real, fake))
    at_x, at_y = critic(x).double(), critic(y).double()
    slopes = torch.autograd.grad(at_x.sum() + at_y.sum(), (x, y), create_graph=True)
    squares = sum(s.double().flatten(1).pow(2).sum(1) for s in slopes)
    return (F.softplus(at_y - at_x) + gamma * squares / 2).to(real.dtype)


# %% grade_id: generator_loss
def generator_loss(critic, real, fake):
    gap = critic(real).double() - critic(fake).double()
    return torch.logsumexp(torch.stack([torch.zeros_like(gap), gap]), dim=0).to(fake.dtype)


# %% grade_id: contraction
def contraction(gamma, step, alternating):
    from fractions import Fraction

    g, h = Fraction(gamma), Fraction(step)
    a, b, c, d = 1 - 2 * g * h, -h / 2, h / 2, Fraction(1)
    if alternating:
        c, d = c * a, d + c * b
    trace, determinant = a + d, a * d - b * c
    under = trace**2 / 4 - determinant
    if under < 0:
        return math.sqrt(determinant)
    return float(abs(trace) / 2) + math.sqrt(under)


# %% grade_id: train
def train(generator, critic, batches, losses, rounds, critic_steps, latent, rates, decay, chance, after=None):
    from itertools import chain

    copies = [w.detach().to(torch.float64, copy=True) for w in generator.parameters()]
    shell = copy.deepcopy(generator)
    down = torch.optim.Adam(critic.parameters(), lr=rates[0], betas=(0.0, 0.9))
    up = torch.optim.Adam(generator.parameters(), lr=rates[1], betas=(0.0, 0.9))

    def cleared():
        for p in chain(generator.parameters(), critic.parameters()):
            p.grad = None

    for _ in range(rounds):
        for left in reversed(range(critic_steps + 1)):
            real = next(batches)
            z = torch.randn(len(real), latent, generator=chance, dtype=real.dtype)
            cleared()
            if left:
                with torch.no_grad():
                    fake = generator(z)
                losses[0](critic, real, fake).double().mean().backward()
                down.step()
                if after:
                    after(critic)
            else:
                losses[1](critic, real, generator(z)).double().mean().backward()
                up.step()
        copies = [decay * a + (1 - decay) * w.detach().double() for a, w in zip(copies, generator.parameters())]
    cleared()
    for own, a in zip(shell.parameters(), copies, strict=True):
        own.data = a.to(own.dtype)
    for own, b in zip(shell.buffers(), generator.buffers(), strict=True):
        own.data = b.detach().clone()
    return shell


# %% grade_id: spectral_norm
def spectral_norm(layer, start, steps):
    twin = copy.deepcopy(layer).double()
    for p in twin.parameters():
        p.requires_grad_(False)
    if twin.bias is not None:
        twin.bias.zero_()
    v = start.detach().double()
    for _ in range(steps):
        x = v.clone().requires_grad_()
        (v,) = torch.autograd.grad(0.5 * twin(x).square().sum(), x)  # Aᵀ A v
        if not v.any():
            return 0.0
        v = v / v.norm()
    return (twin(v).norm() / v.norm()).item()


# %% grade_id: project
def project_(critic, shape, bound, steps, generator):
    x = torch.zeros(1, *shape, dtype=torch.float64)
    for layer in critic:
        if isinstance(layer, nn.Linear | nn.Conv2d):
            start = torch.randn(x.shape, generator=generator, dtype=torch.float64).to(layer.weight.dtype)
            norm = float(spectral_norm(layer, start, steps))
            if norm > bound:
                layer.weight.data = (layer.weight.data.double() * (bound / norm)).to(layer.weight.dtype)
        x = copy.deepcopy(layer).double()(x).detach()


# %% grade_id: lipschitz
def lipschitz(critic, points, steps, generator):
    twin = copy.deepcopy(critic).double()
    x = points.detach().double().requires_grad_()
    slope = torch.autograd.grad(twin(x).sum(), x)[0]
    upper, x = 1.0, points[:1].detach()
    for layer in critic:
        if len(list(layer.parameters())):
            v = torch.randn(x.shape, generator=generator, dtype=torch.float64).to(x.dtype)
            upper *= float(spectral_norm(layer, v, steps))
        x = layer(x).detach()
    return slope.flatten(1).norm(dim=1).max().item(), upper
