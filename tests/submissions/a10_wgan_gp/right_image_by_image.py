"""One image after another, in loops; layers as matrices of NumPy."""

EXPECTED = {}


# %% grade_id: perturbed_penalty
def perturbed_penalty(critic, real, noise, p, below, generator):
    found = []
    for x, d in zip(real, noise, strict=True):
        one = (x + torch.rand(1, generator=generator, dtype=x.dtype) * d)[None].detach().requires_grad_()
        slope = torch.autograd.grad(critic(one)[0], one, create_graph=True)[0]
        s = slope.abs().max() if p == 1 else slope.norm() if p == 2 else slope.abs().sum()
        found.append((s - 1) ** 2 if s > 1 else below * (1 - s) ** 2)
    return torch.stack(found)


# %% grade_id: leak
def leak(critic, points):
    found = []
    for i in range(len(points)):
        x = points.clone().requires_grad_()
        others = torch.arange(len(points)) != i
        g = torch.autograd.grad((critic(x) * others.to(x.dtype)).sum(), x)[0]
        found.append(g[i].norm())
    return torch.stack(found)


# %% grade_id: critic_loss
def critic_loss(critic, real, fake, gamma):
    losses = []
    for x, y in zip(real, fake, strict=True):
        x, y = x[None].detach().clone().requires_grad_(), y[None].detach().clone().requires_grad_()
        a, b = critic(x)[0], critic(y)[0]
        r1, r2 = (torch.autograd.grad(s, at, create_graph=True)[0].square().sum() for s, at in ((a, x), (b, y)))
        losses.append(F.binary_cross_entropy_with_logits(a - b, torch.ones_like(a)) + gamma * (r1 + r2) / 2)
    return torch.stack(losses)


# %% grade_id: spectral_norm
def spectral_norm(layer, start, steps):
    with torch.no_grad():
        units = torch.eye(start.numel(), dtype=start.dtype).view(-1, *start.shape[1:])
        a = (layer(units) - layer(torch.zeros_like(start))).flatten(1).T.numpy()
    v = start.flatten().numpy().copy()
    for _ in range(steps):
        v = a.T @ (a @ v)
        if not v.any():
            return 0.0
        v = v / (v**2).sum() ** 0.5
    return ((a @ v) ** 2).sum() ** 0.5 / (v**2).sum() ** 0.5


# %% grade_id: lipschitz
def lipschitz(critic, points, steps, generator):
    slopes = []
    for x in points:
        x = x[None].clone().requires_grad_()
        slopes.append(torch.autograd.grad(critic(x)[0], x)[0].norm())
    sizes, x = [], torch.zeros_like(points[:1])
    with torch.no_grad():
        for layer in critic:
            if hasattr(layer, "weight"):
                v = torch.randn(x.shape, generator=generator).to(x.dtype)
                sizes.append(float(spectral_norm(layer, v, steps)))
            x = layer(x)
    return max(slopes), math.prod(sizes)
