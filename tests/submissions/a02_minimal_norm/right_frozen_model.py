"""The attack freezes the parameters while it runs, restores them, and works on the attacked images alone."""

EXPECTED = {}


# %% grade_id: tanh
import math

TAU = 0.999


def to_tanh(images, low, high):
    t = TAU * ((images.detach() - low) / (high - low) - 0.5) * 2
    return 0.5 * torch.log((1 + t) / (1 - t))


def from_tanh(w, low, high):
    return torch.lerp(low.expand_as(w), high.expand_as(w), torch.sigmoid(2 * w))


# %% grade_id: carlini_wagner
def carlini_wagner(model, images, cost, wanted, low, high, const, steps, learning_rate, confidence=0.0):
    needed = [p.requires_grad for p in model.parameters()]
    for p in model.parameters():
        p.requires_grad_(False)
    try:
        result = images.detach().clone()
        first = model(result).argmax(1)
        rows = [n for n in range(len(result)) if not wanted[n, first[n]]]
        if len(rows) == 0:
            return result
        x0, a, below, above = (each.expand(images.shape)[rows] for each in (result, cost, low, high))
        s = wanted[rows]
        found, least = x0.clone(), [math.inf] * len(rows)
        w = to_tanh(x0, below, above).requires_grad_(True)
        adam = torch.optim.Adam([w], lr=learning_rate)
        for step in range(steps + 1):
            x = from_tanh(w, below, above).detach()
            z = model(x)
            h = hinge(z, s, confidence)
            for n in range(len(rows)):
                distance = float((a[n].sqrt() * (x[n] - x0[n])).norm())
                if s[n, z[n].argmax()] and h[n] <= -confidence and distance < least[n]:
                    least[n], found[n] = distance, x[n]
            if step < steps:
                loss = objective(model, w, x0, a, s, below, above, const, confidence).sum()
                (w.grad,) = torch.autograd.grad(loss, w)
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
