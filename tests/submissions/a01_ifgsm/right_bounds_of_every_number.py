"""The interval of every number first; then the end that the gradient points to."""

EXPECTED = {}


# %% grade_id: fgsm
def interval(images, eps):
    return (images - eps).clamp_min(0), (images + eps).clamp_max(1)


def slope(model, images, labels):
    x = images.detach().clone().requires_grad_()
    z = model(x)
    loss = z.logsumexp(1) - z.gather(1, labels[:, None]).squeeze(1)
    return torch.autograd.grad(loss.sum(), x)[0], z.detach().argmax(1)


def fgsm(model, images, labels, eps, count):
    g, _ = slope(model, images, labels)
    low, high = interval(images, eps)
    best = torch.where(g > 0, high, low).where(g != 0, images)
    adds = (g * (best - images)).sum(1)
    order = adds.flatten(1).argsort(1)
    leave = order[:, : order.shape[1] - count]
    mask = torch.ones_like(order).scatter_(1, leave, 0).bool().view_as(adds)
    return torch.where(mask[:, None], best, images)


# %% grade_id: project
def project(adversarial, images, eps):
    low, high = interval(images, eps)
    return torch.where(adversarial < low, low, torch.where(adversarial > high, high, adversarial))


# %% grade_id: bounded_ifgsm
def bounded_ifgsm(model, images, labels, eps, step_size, steps):
    low, high = interval(images, eps)
    x = images.detach().clone()
    for _ in range(steps):
        g, said = slope(model, x, labels)
        x = torch.where((said == labels)[:, None, None, None], torch.clamp(x + step_size * g.sign(), low, high), x)
    return x
