"""torch.func: weights as arguments, vmap over images, Jacobians, grad in the place of backward."""

EXPECTED = {}


# %% grade_id: perturbed_penalty
def perturbed_penalty(critic, real, noise, p, below, generator):
    share = torch.rand(len(real), generator=generator, dtype=real.dtype)

    def one(x, d, e):
        slope = torch.func.grad(lambda image: critic(image.unsqueeze(0)).sum())(x + e * d).flatten()
        size = slope.detach()
        if p == 1:  # the best step is held: the maximum's own derivative does not see it move
            best = torch.where(torch.arange(len(size)) == size.abs().argmax(), size.sign(), 0)
        elif p == 2:
            best = size / torch.where(size.any(), size.square().sum().sqrt(), 1)
        else:
            best = size.sign()
        gain = slope @ best
        return torch.relu(gain - 1) ** 2 + below * torch.relu(1 - gain) ** 2

    return torch.func.vmap(one)(real.detach(), noise.detach(), share)


# %% grade_id: leak
def leak(critic, points):
    x, n = points.detach().clone().requires_grad_(), len(points)
    others = (1 - torch.eye(n)).to(x.dtype)
    (slopes,) = torch.autograd.grad(critic(x), x, others, is_grads_batched=True)  # (N, N, …): without score i
    found = torch.func.vmap(lambda i: slopes[i, i])(torch.arange(n))
    return torch.linalg.vector_norm(found.flatten(1), dim=1).detach()


# %% grade_id: critic_loss
def critic_loss(critic, real, fake, gamma):
    def slope(x):
        return torch.func.vmap(torch.func.grad(lambda image: critic(image[None]).squeeze(0)))(x)

    x, y = real.detach(), fake.detach()
    penalty = sum(slope(at).flatten(1).norm(dim=1).square() for at in (x, y)) if gamma else 0
    return -torch.log_softmax(torch.stack([critic(x), critic(y)]), dim=0)[0] + gamma * penalty / 2


# %% grade_id: generator_loss
def generator_loss(critic, real, fake):
    scores = torch.stack((critic(real.detach()), critic(fake)))
    return -scores.log_softmax(0)[1]


# %% grade_id: contraction
def contraction(gamma, step, alternating):
    def loss(psi, theta):
        return F.softplus(psi * theta) + gamma * psi**2

    def other(psi, theta):
        return F.softplus(-psi * theta)

    def one_round(state):
        psi, theta = state
        moved = psi - step * torch.func.grad(loss, argnums=0)(psi, theta)
        seen = moved if alternating else psi
        return torch.stack([moved, theta - step * torch.func.grad(other, argnums=1)(seen, theta)])

    jacobian = torch.func.jacrev(one_round)(torch.zeros(2, dtype=torch.float64))
    return torch.linalg.eigvals(jacobian).abs().amax()


# %% grade_id: train
def train(generator, critic, batches, losses, rounds, critic_steps, latent, rates, decay, chance, after=None):
    average = {name: w.detach().clone() for name, w in generator.named_parameters()}
    adam = {
        network: torch.optim.Adam(network.parameters(), lr=rate, betas=(0.0, 0.9))
        for network, rate in ((critic, rates[0]), (generator, rates[1]))
    }

    def step(network, loss):
        for p, g in zip(network.parameters(), torch.autograd.grad(loss, list(network.parameters())), strict=True):
            p.grad = g
        adam[network].step()
        adam[network].zero_grad(set_to_none=True)

    for network in adam:
        network.zero_grad(set_to_none=True)
    for _ in range(rounds):
        for turn in range(critic_steps):
            real = next(batches)
            with torch.no_grad():
                z = torch.randn(len(real), latent, generator=chance, dtype=real.dtype)
                fake = torch.func.functional_call(generator, dict(generator.named_parameters()), (z,))
            step(critic, torch.mean(losses[0](critic, real, fake)))
            if after is not None:
                after(critic)
        real = next(batches)
        z = torch.randn(len(real), latent, generator=chance, dtype=real.dtype)
        step(generator, torch.mean(losses[1](critic, real, generator(z))))
        for name, w in generator.named_parameters():
            average[name] = torch.lerp(w.detach(), average[name], decay)
    result = copy.deepcopy(generator)
    result.load_state_dict(average | {name: b.clone() for name, b in generator.named_buffers()})
    return result


# %% grade_id: spectral_norm
def spectral_norm(layer, start, steps):
    weights = {name: p.detach() * (name == "weight") for name, p in layer.named_parameters()}

    def a(x):
        return torch.func.functional_call(layer, weights, (x,))

    v = start.detach()
    for _ in range(steps):
        y, back = torch.func.vjp(a, v)
        (v,) = back(y)
        length = torch.linalg.vector_norm(v)
        if length.item() == 0:
            return torch.zeros((), dtype=v.dtype)
        v = v / length
    return (torch.linalg.vector_norm(a(v)) / torch.linalg.vector_norm(v)).detach()


# %% grade_id: project
def project_(critic, shape, bound, steps, generator):
    empty = copy.deepcopy(critic).to("meta")
    dtype = next(critic.parameters()).dtype
    x = torch.empty(1, *shape, dtype=dtype, device="meta")
    for layer, hollow in zip(critic, empty, strict=True):
        if [*layer.parameters()]:
            start = torch.randn(*x.shape, generator=generator, dtype=dtype)
            share = bound / float(spectral_norm(layer, start, steps))
            if share < 1:
                with torch.no_grad():
                    layer.weight.copy_(layer.weight * share)
        x = hollow(x)


# %% grade_id: lipschitz
def lipschitz(critic, points, steps, generator):
    slopes = torch.func.vmap(torch.func.grad(lambda x: critic(x[None])[0]))(points.detach())
    upper, x = torch.ones((), dtype=points.dtype), points[:1].detach()
    with torch.no_grad():
        for layer in critic:
            if isinstance(layer, nn.Linear | nn.Conv2d):
                start = torch.randn(x.shape, generator=generator, dtype=x.dtype)
                upper = upper * spectral_norm(layer, start, steps)
            x = layer(x)
    return slopes.detach().flatten(1).norm(dim=1).max(), upper
