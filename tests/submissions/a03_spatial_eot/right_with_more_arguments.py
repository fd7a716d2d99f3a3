"""Further arguments with defaults."""

EXPECTED = {}


# %% grade_id: eot_gradient
def eot_gradient(model, images, targets, transforms, margin, weights=None):
    weights = torch.ones(len(transforms)) if weights is None else weights
    x, total = images.detach().clone().requires_grad_(), 0.0
    for weight, t in zip(weights / weights.sum(), transforms, strict=True):
        z = model(slant_translate(x, t))
        own = z.gather(1, targets[:, None])[:, 0]
        rival = z.scatter(1, targets[:, None], float("-inf")).max(1).values
        total = total + weight.item() * (own - rival).clamp_max(margin).sum()
    return torch.autograd.grad(total, x)[0]


# %% grade_id: eot_attack
def eot_attack(model, images, targets, draw, eps, step_size, steps, margin, memory, start=None):
    origin = images.detach().clone()
    x = origin.clone() if start is None else start
    held = 0
    for _ in range(steps):
        held = eot_gradient(model, x, targets, draw(), margin) + memory * held
        x = (x + step_size * held.sign()).clamp(0, 1)
        x = torch.max(torch.min(x, origin + eps), origin - eps)
    return x
