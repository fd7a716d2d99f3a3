"""Products with matrices of ones and unit vectors; a layer's matrix column by column; eigenvalues from Schur's form."""

EXPECTED = {}


# %% grade_id: perturbed_penalty
def perturbed_penalty(critic, real, noise, p, below, generator):
    epsilon = torch.diag(torch.rand(len(real), generator=generator, dtype=real.dtype))
    rows = (real.flatten(1) + epsilon @ noise.flatten(1)).detach().requires_grad_()
    ones = torch.ones(len(real), dtype=real.dtype)
    (slope,) = torch.autograd.grad(ones @ critic(rows.view(real.shape)), rows, create_graph=True)
    if p == 2:
        s = torch.linalg.norm(slope, dim=1)
    elif p == 1:
        s = slope.abs().sort(dim=1).values[:, -1]
    else:
        s = slope.abs() @ torch.ones(slope.shape[1], dtype=slope.dtype)
    far = torch.stack([(s - 1).clamp(min=0), (1 - s).clamp(min=0)], dim=1).square()
    return far @ torch.tensor([1.0, below], dtype=s.dtype)


# %% grade_id: leak
def leak(critic, points):
    x = points.detach().clone().requires_grad_()
    scores = critic(x)
    units = torch.eye(len(x), dtype=scores.dtype)
    jacobian = torch.stack([torch.autograd.grad(scores, x, u, retain_graph=True)[0] for u in units]).flatten(2)
    foreign = torch.einsum("jip,ji->ip", jacobian, 1 - units)
    return torch.einsum("ip,ip->i", foreign, foreign).sqrt()


# %% grade_id: critic_loss
def critic_loss(critic, real, fake, gamma):
    rows = torch.stack([real.detach(), fake.detach()], dim=1).requires_grad_()
    scores = critic(rows.flatten(0, 1)).view(-1, 2)
    slope = torch.autograd.grad(scores.sum(), rows, create_graph=True)[0].flatten(2)
    squares = torch.einsum("nbp,nbp->nb", slope, slope) @ torch.full((2,), gamma / 2, dtype=slope.dtype)
    gap = scores @ torch.tensor([1.0, -1.0], dtype=scores.dtype)
    return squares - F.logsigmoid(gap)


# %% grade_id: generator_loss
def generator_loss(critic, real, fake):
    gap = torch.stack([critic(real), critic(fake)], dim=1) @ torch.tensor([-1.0, 1.0], dtype=fake.dtype)
    return -F.logsigmoid(gap)


# %% grade_id: contraction
import scipy.linalg


def contraction(gamma, step, alternating):
    game = torch.tensor([[2 * gamma, 0.5], [-0.5, 0.0]], dtype=torch.float64)
    unit = torch.eye(2, dtype=torch.float64)
    first = unit - step * torch.diag(torch.tensor([1.0, 0.0]).double()) @ game
    second = unit - step * torch.diag(torch.tensor([0.0, 1.0]).double()) @ game
    total = second @ first if alternating else first + second - unit
    triangle, _ = scipy.linalg.schur(total.numpy(), output="complex")
    return abs(triangle.diagonal()).max()


# %% grade_id: train
def train(generator, critic, batches, losses, rounds, critic_steps, latent, rates, decay, chance, after=None):
    average = copy.deepcopy(generator)
    first = [w.detach().clone() for w in generator.parameters()]
    kept = [[w] for w in first]
    optimisers = [
        torch.optim.AdamW(network.parameters(), lr=rate, betas=(0.0, 0.9), weight_decay=0.0)
        for network, rate in zip((critic, generator), rates, strict=True)
    ]
    for _ in range(rounds):
        for who in [0] * critic_steps + [1]:
            real = next(batches)
            z = torch.randn(len(real), latent, generator=chance, dtype=real.dtype)
            fake = generator(z) if who else generator(z).detach()
            optimisers[0].zero_grad(), optimisers[1].zero_grad()
            loss = losses[who](critic, real, fake)
            loss.backward(torch.full_like(loss, 1 / len(loss)))
            optimisers[who].step()
            if after is not None and who == 0:
                after(critic)
        for path, w in zip(kept, generator.parameters(), strict=True):
            path.append(w.detach().clone())
    optimisers[0].zero_grad(), optimisers[1].zero_grad()
    for a, path in zip(average.parameters(), kept, strict=True):
        powers = decay ** torch.arange(rounds, -1, -1, dtype=torch.float64)  # of d, for w_0 to w_R
        shares = torch.cat([powers[:1], (1 - decay) * powers[1:]]).to(a.dtype)
        a.data = torch.tensordot(shares, torch.stack(path), dims=1)
    for b, own in zip(average.buffers(), generator.buffers(), strict=True):
        b.data.copy_(own)
    return average


# %% grade_id: spectral_norm
def spectral_norm(layer, start, steps):
    size = start.numel()
    with torch.no_grad():
        bias = layer(torch.zeros_like(start))
        columns = [layer(unit.view(start.shape)) - bias for unit in torch.eye(size, dtype=start.dtype)]
        a = torch.stack([c.flatten() for c in columns], dim=1)
        square, v = a.mT @ a, start.detach().flatten()
        for _ in range(steps):
            v = square @ v
            if torch.count_nonzero(v) == 0:
                return 0
            v = F.normalize(v, dim=0, eps=0.0)
        return torch.sqrt((a @ v).dot(a @ v) / v.dot(v))


# %% grade_id: project
def project_(critic, shape, bound, steps, generator):
    x = torch.zeros(1, *shape, dtype=next(critic.parameters()).dtype)
    for layer in critic:
        if type(layer) is nn.Linear or type(layer) is nn.Conv2d:
            norm = float(spectral_norm(layer, torch.randn(x.shape, generator=generator, dtype=x.dtype), steps))
            rows = layer.weight.data.flatten(1)
            if norm > bound:
                layer.weight.data.copy_(
                    (torch.eye(len(rows), dtype=x.dtype) * (bound / norm) @ rows).view_as(layer.weight)
                )
        x = layer(x).detach()


# %% grade_id: lipschitz
def lipschitz(critic, points, steps, generator):
    x = points.detach().clone().requires_grad_()
    (slope,) = torch.autograd.grad(critic(x), x, torch.ones(len(x), dtype=x.dtype))
    lower = torch.einsum("np,np->n", slope.flatten(1), slope.flatten(1)).amax().sqrt()
    logs, x = [], points[:1].detach()
    for layer in critic:
        if hasattr(layer, "weight"):
            logs.append(math.log(spectral_norm(layer, torch.randn(x.shape, generator=generator).to(x), steps)))
        with torch.no_grad():
            x = layer(x)
    return lower.item(), math.exp(sum(logs))
