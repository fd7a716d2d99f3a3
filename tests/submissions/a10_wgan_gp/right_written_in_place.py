"""Fresh leaves and backward onto them alone; weights and averages are written in place; formulas of convolutions."""

EXPECTED = {}


# %% grade_id: perturbed_penalty
def perturbed_penalty(critic, real, noise, p, below, generator):
    share = torch.rand(len(real), generator=generator, dtype=real.dtype)
    x = noise.detach().clone()
    for each, e in zip(x, share, strict=True):
        each.mul_(e)
    x.add_(real.detach()).requires_grad_()
    with torch.enable_grad():
        (slope,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True, retain_graph=True)
    size = slope.reshape(len(x), -1)
    s = size.abs().max(1)[0] if p == 1 else size.norm(p=2 if p == 2 else 1, dim=1)
    return F.relu(s - 1).pow(2).add(F.relu(1 - s).pow(2), alpha=below)


# %% grade_id: leak
def leak(critic, points):
    x = points.detach().clone().requires_grad_()
    scores, sums = critic(x), torch.zeros_like(points)
    for j in range(len(x)):
        x.grad = None
        scores[j].backward(inputs=[x], retain_graph=True)
        x.grad[j].zero_()
        sums += x.grad
    return sums.square_().flatten(1).sum(1).sqrt_()


# %% grade_id: critic_loss
def critic_loss(critic, real, fake, gamma):
    gap, penalty = 0, 0
    for images, side in ((real, 1), (fake, -1)):
        leaf = images.detach().clone()
        leaf.requires_grad_()
        scores = critic(leaf)
        gap = gap + side * scores
        slope = torch.autograd.grad(scores.sum(), leaf, create_graph=True)[0]
        for pixel in slope.flatten(1).T:
            penalty = penalty + pixel**2
    return F.binary_cross_entropy_with_logits(gap, torch.ones_like(gap), reduction="none") + penalty * (gamma / 2)


# %% grade_id: generator_loss
def generator_loss(critic, real, fake):
    with torch.no_grad():
        threshold = critic(real)
    gap = critic(fake).sub(threshold)
    return F.binary_cross_entropy_with_logits(gap, torch.ones_like(gap), reduction="none")


# %% grade_id: contraction
def contraction(gamma, step, alternating):
    import numpy as np

    half = step / 2
    trace, determinant = 2 - 2 * gamma * step, 1 - 2 * gamma * step
    if alternating:
        trace -= half**2
    else:
        determinant += half**2
    return abs(np.roots([1, -trace, determinant])).max()


# %% grade_id: train
def train(generator, critic, batches, losses, rounds, critic_steps, latent, rates, decay, chance, after=None):
    average = copy.deepcopy(generator)
    own, slow = list(generator.parameters()), list(average.parameters())
    adam = torch.optim.Adam(
        [{"params": list(critic.parameters()), "lr": rates[0]}, {"params": own, "lr": rates[1]}], betas=(0.0, 0.9)
    )  # what has no gradient is not moved

    def images(real):
        z = torch.randn(len(real), latent, generator=chance, dtype=real.dtype)
        return generator(z)

    for r in range(rounds):
        for k in range(critic_steps):
            adam.zero_grad(set_to_none=True)
            real = next(batches)
            torch.autograd.backward(losses[0](critic, real, images(real).detach()).mean())
            adam.step()
            if after is not None:
                after(critic)
        adam.zero_grad(set_to_none=True)
        real = next(batches)
        torch.autograd.backward(losses[1](critic, real, images(real)).mean(), inputs=own)
        adam.step()
        with torch.no_grad():
            torch._foreach_mul_(slow, decay)
            torch._foreach_add_(slow, own, alpha=1 - decay)
    adam.zero_grad(set_to_none=True)
    for a, b in zip(average.buffers(), generator.buffers(), strict=True):
        a.copy_(b)
    return average


# %% grade_id: spectral_norm
def spectral_norm(layer, start, steps):
    w, v = layer.weight.detach(), start.detach().clone()

    def forth(v):
        if isinstance(layer, nn.Linear):
            return F.linear(v, w)
        return F.conv2d(v, w, stride=layer.stride, padding=layer.padding, dilation=layer.dilation, groups=layer.groups)

    def back(u):
        if isinstance(layer, nn.Linear):
            return F.linear(u, w.T)
        missed = [
            size - ((n - 1) * stride - 2 * pad + k)
            for size, n, stride, pad, k in zip(
                start.shape[2:], u.shape[2:], layer.stride, layer.padding, layer.kernel_size, strict=True
            )
        ]  # rows and columns at the end that no window reaches
        return F.conv_transpose2d(u, w, stride=layer.stride, padding=layer.padding, output_padding=missed)

    for _ in range(steps):
        v.copy_(back(forth(v)))
        size = v.square().sum().sqrt_()
        if size == 0:
            return size
        v.div_(size)
    return forth(v).norm().div_(v.norm())


# %% grade_id: project
def project_(critic, shape, bound, steps, generator):
    size = tuple(shape)
    for layer in critic:
        if isinstance(layer, nn.Flatten) and layer.start_dim == 1:
            size = (math.prod(size),)
        if isinstance(layer, nn.Linear | nn.Conv2d):
            start = torch.empty(1, *size, dtype=layer.weight.dtype)
            start.copy_(torch.randn(1, *size, generator=generator, dtype=start.dtype))
            norm = float(spectral_norm(layer, start, steps))
            if norm > bound:
                layer.weight.detach().mul_(bound / norm)
        if isinstance(layer, nn.Linear):
            size = (*size[:-1], layer.out_features)
        if isinstance(layer, nn.Conv2d):
            sides = zip(size[1:], layer.kernel_size, layer.stride, layer.padding, strict=True)
            size = (layer.out_channels, *((n + 2 * pad - k) // stride + 1 for n, k, stride, pad in sides))


# %% grade_id: lipschitz
def lipschitz(critic, points, steps, generator):
    x = points.detach().clone().requires_grad_()
    critic(x).sum().backward(inputs=[x])
    lower = x.grad.square_().flatten(1).sum(1).max().sqrt_()
    upper, x = torch.ones((), dtype=points.dtype), x.detach()[:1]
    for layer in critic:
        if hasattr(layer, "weight"):
            start = torch.randn(x.shape, generator=generator, dtype=x.dtype)
            upper.mul_(float(spectral_norm(layer, start, steps)))
        x = layer(x).detach()
    return [lower, upper]
