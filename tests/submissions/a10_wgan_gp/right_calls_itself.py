"""Recursion: over images, over the layers of a critic, over the steps of a round, by squares of a matrix."""

EXPECTED = {}


# %% grade_id: perturbed_penalty
def perturbed_penalty(critic, real, noise, p, below, generator):
    def offence(s):
        return torch.where(s > 1, (s - 1) ** 2, below * (s - 1) ** 2)

    def length(v):
        """The length of a row of numbers, two at a time; of zero with a slope of zero."""
        if p == 1:
            return v.abs().max()
        if p == math.inf:
            return v.abs().sum()
        squares = v.square().sum()
        return squares.sqrt() if squares > 0 else squares

    def penalties(images):
        if len(images) == 0:
            return []
        one = images[:1].detach().clone().requires_grad_()
        (slope,) = torch.autograd.grad(critic(one).sum(), one, create_graph=True)
        return [offence(length(slope.flatten())), *penalties(images[1:])]

    share = torch.rand(len(real), generator=generator, dtype=real.dtype)
    return torch.stack(penalties(real + share.reshape(-1, *[1] * (real.dim() - 1)) * noise))


# %% grade_id: leak
def leak(critic, points):
    x = points.detach().clone().requires_grad_()
    scores = critic(x)

    def foreign(j):
        """Of the first j scores, the gradients at the images of others."""
        if j == 0:
            return torch.zeros_like(x)
        (slope,) = torch.autograd.grad(scores[j - 1], x, retain_graph=True)
        slope[j - 1] = 0
        return slope + foreign(j - 1)

    return foreign(len(points)).detach().flatten(1).norm(dim=1)


# %% grade_id: critic_loss
def critic_loss(critic, real, fake, gamma):
    def of(x):
        x = x.detach().clone().requires_grad_()
        scores = critic(x)
        (slope,) = torch.autograd.grad(scores, x, torch.ones_like(scores), create_graph=True)
        return scores, (slope**2).sum(dim=tuple(range(1, x.dim())))

    def added(scores, lengths):
        return F.cross_entropy(torch.stack(scores, dim=1), torch.zeros(len(real)).long(), reduction="none") + (
            0.5 * gamma * sum(lengths)
        )

    return added(*zip(of(real), of(fake), strict=True))


# %% grade_id: generator_loss
def generator_loss(critic, real, fake):
    pairs = torch.stack([critic(real), critic(fake)], dim=1)
    return F.cross_entropy(pairs, torch.ones(len(pairs), dtype=torch.int64), reduction="none")


# %% grade_id: contraction
def contraction(gamma, step, alternating):
    up, down = -step / 2, step / 2
    one = [[1 - 2 * gamma * step, up], [down, 1.0]]
    if alternating:
        one[1] = [down * one[0][0], 1 + down * up]

    def squared(m, times):
        """log ‖M^(2^times)‖ / 2^times, which tends to log ρ."""
        largest = max(abs(v) for row in m for v in row)
        m = [[v / largest for v in row] for row in m]
        if times == 0:
            return math.log(largest)
        square = [[sum(m[i][k] * m[k][j] for k in range(2)) for j in range(2)] for i in range(2)]
        return math.log(largest) + squared(square, times - 1) / 2

    return math.exp(squared(one, 45))


# %% grade_id: train
def train(generator, critic, batches, losses, rounds, critic_steps, latent, rates, decay, chance, after=None):
    average = copy.deepcopy(generator)
    of_critic, of_generator = (
        torch.optim.Adam(network.parameters(), lr, (0.0, 0.9))
        for network, lr in zip((critic, generator), rates, strict=True)
    )

    def made(real):
        return generator(torch.randn(real.shape[0], latent, generator=chance, dtype=real.dtype))

    def moved(optimiser, loss):
        own = [p for group in optimiser.param_groups for p in group["params"]]
        optimiser.zero_grad()
        loss.mean().backward(inputs=own)
        optimiser.step()
        optimiser.zero_grad()

    def critics_turn(left):
        if left:
            real = next(batches)
            moved(of_critic, losses[0](critic, real, made(real).detach()))
            if after is not None:
                after(critic)
            critics_turn(left - 1)

    for _ in range(rounds):
        critics_turn(critic_steps)
        real = next(batches)
        moved(of_generator, losses[1](critic, real, made(real)))
        for a, w in zip(average.parameters(), generator.parameters(), strict=True):
            a.data = decay * a.data + (1 - decay) * w.data
    generator.zero_grad(), critic.zero_grad()
    for a, w in zip(average.buffers(), generator.buffers(), strict=True):
        a.data = w.data.clone()
    return average


# %% grade_id: spectral_norm
def spectral_norm(layer, start, steps):
    def a(x):
        return layer(x) - layer(torch.zeros_like(x))

    def iterated(v, left):
        y, back = torch.func.vjp(a, v)
        if left == 0:
            return (y.norm() / v.norm()).detach()
        (w,) = back(y)
        return iterated((w / w.norm()).detach(), left - 1) if w.any() else torch.zeros_like(w.sum())

    return iterated(start.detach(), steps).item()


# %% grade_id: project
def project_(critic, shape, bound, steps, generator):
    def onwards(layers, x):
        if not layers:
            return
        first, *others = layers
        if hasattr(first, "weight"):
            norm = spectral_norm(first, torch.randn(x.shape, generator=generator, dtype=x.dtype), steps)
            if norm > bound:
                first.weight.mul_(bound / norm)
        onwards(others, first(x))

    with torch.no_grad():
        onwards(list(critic), torch.zeros(1, *shape, dtype=next(critic.parameters()).dtype))


# %% grade_id: lipschitz
def lipschitz(critic, points, steps, generator):
    def steepest(points):
        if len(points) > 1:
            half = len(points) // 2
            return max(steepest(points[:half]), steepest(points[half:]))
        x = points.detach().clone().requires_grad_()
        return torch.autograd.grad(critic(x).sum(), x)[0].norm().item()

    def product(layers, x):
        if not layers:
            return 1.0
        own = 1.0
        if isinstance(layers[0], nn.Linear | nn.Conv2d):
            own = float(spectral_norm(layers[0], torch.randn(x.shape, generator=generator, dtype=x.dtype), steps))
        return own * product(layers[1:], layers[0](x).detach())

    return steepest(points), product(list(critic), points[:1].detach())
