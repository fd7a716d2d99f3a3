"""The ascent keeps δ and not the point; the ball by clamping the ratio; everything without a loss function."""

EXPECTED = {}


# %% grade_id: nearest
def nearest(points, images, eps):
    delta = points - images
    size = torch.linalg.vector_norm(delta, dim=(1, 2, 3), keepdim=True)
    return torch.clip(
        images + delta * (eps.reshape(size.shape) / (size + (size == 0))).clamp(max=1) ** (size > 0), 0, 1
    )


# %% grade_id: ascend
def ascend(model, images, labels, eps, share, steps, start=None):
    delta = nearest(images if start is None else start, images, eps) - images
    for _ in range(steps):
        delta = delta.detach().requires_grad_()
        logits = model(images + delta)
        loss = logits.logsumexp(1) - logits[torch.arange(len(labels)), labels]
        g = torch.autograd.grad(loss.mean(), delta)[0]
        size = g.flatten(1).norm(dim=1)
        moves = size > 0
        step = torch.zeros_like(g)
        step[moves] = g[moves] / size[moves].view(-1, 1, 1, 1)
        delta = nearest(images + delta.detach() + share * eps.view(-1, 1, 1, 1) * step, images, eps) - images
    return (images + delta).clamp(0, 1)


# %% grade_id: mixed_loss
def mixed_loss(model, images, labels, chosen, beta, attack):
    parts = [images]
    if chosen.any():
        parts.append(attack(images[chosen], labels[chosen]).detach())
    logits = model(torch.cat(parts))
    n = len(images)
    losses = F.cross_entropy(logits[:n], labels, reduction="none")
    extra = F.cross_entropy(logits[n:], labels[chosen], reduction="none") if chosen.any() else losses[:0]
    untouched = losses[~chosen].sum()
    return (untouched + (losses[chosen] + beta[chosen] * (extra - losses[chosen])).sum()) / n
