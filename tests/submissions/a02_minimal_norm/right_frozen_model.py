"""The attack freezes the parameters while it runs, restores them, and works on the attacked images alone."""

EXPECTED = {}


# %% grade_id: tanh
import math

TAU = 0.999


def to_tanh(images):
    t = TAU * (images.detach() - 0.5) * 2
    return 0.5 * torch.log((1 + t) / (1 - t))


def from_tanh(w):
    return torch.sigmoid(2 * w)


# %% grade_id: carlini_wagner
def carlini_wagner(model, images, labels, const, steps, learning_rate, confidence=0.0):
    needed = [p.requires_grad for p in model.parameters()]
    for p in model.parameters():
        p.requires_grad_(False)
    try:
        result = images.detach().clone()
        rows = (model(result).argmax(1) == labels).nonzero().flatten()
        if len(rows) == 0:
            return result
        x0, y = result[rows], labels[rows]
        found, least = x0.clone(), [math.inf] * len(rows)
        w = to_tanh(x0).requires_grad_(True)
        adam = torch.optim.Adam([w], lr=learning_rate)
        for step in range(steps + 1):
            x = from_tanh(w).detach()
            z = model(x)
            h = hinge(z, y, confidence)
            for n in range(len(rows)):
                distance = float((x[n] - x0[n]).norm())
                if z[n].argmax() != y[n] and h[n] <= -confidence and distance < least[n]:
                    least[n], found[n] = distance, x[n]
            if step < steps:
                (w.grad,) = torch.autograd.grad(objective(model, w, x0, y, const, confidence).sum(), w)
                adam.step()
        result[rows] = found
        return result
    finally:
        for p, flag in zip(model.parameters(), needed, strict=True):
            p.requires_grad_(flag)


# %% grade_id: rho_adv
def rho(model, images, adversarial, share):
    with torch.no_grad():
        before, after = model(images).max(1).indices, model(adversarial).max(1).indices
    ratios = sorted(
        float(torch.dist(a, b) / a.norm())
        for a, b, k, j in zip(images, adversarial, before, after, strict=True)
        if k != j
    )
    for count, ratio in enumerate(ratios, 1):
        if count / len(images) >= share:
            return ratio
    return math.inf
