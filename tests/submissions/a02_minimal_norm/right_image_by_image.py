"""Loops over images and classes in Python."""

EXPECTED = {}


# %% grade_id: boundary_distances
def boundary_distances(weight, bias, images, cost):
    rows = []
    for image, a in zip(images, cost.expand_as(images), strict=True):
        z = weight @ image.reshape(-1) + bias
        top = int(z.argmax())
        row = [
            torch.tensor(float("inf"), dtype=z.dtype)
            if k == top
            else (z[top] - z[k]) / ((weight[k] - weight[top]) ** 2 / a.reshape(-1)).sum() ** 0.5
            for k in range(len(z))
        ]
        rows.append(torch.stack(row))
    return torch.stack(rows)


# %% grade_id: nearest_boundary
def nearest_boundary(weight, bias, images, cost):
    result = torch.empty_like(images)
    for n, image in enumerate(images):
        a = cost.expand_as(images)[n].reshape(-1)
        z = weight @ image.reshape(-1) + bias
        top = int(z.argmax())
        steps = [
            (z[top] - z[k]) * ((v := weight[k] - weight[top]) / a) / (v @ (v / a)) for k in range(len(z)) if k != top
        ]
        result[n] = min(steps, key=lambda r: float(a @ r**2)).view_as(image)
    return result


# %% grade_id: deepfool_step
def deepfool_step(model, images, cost):
    result = []
    for image, a in zip(images, cost.expand_as(images), strict=True):
        x = image.detach().clone()[None].requires_grad_()
        z = model(x)[0]
        top = int(z.argmax())
        best, least = None, None
        for k in range(len(z)):
            if k == top:
                continue
            (w,) = torch.autograd.grad(z[k] - z[top], x, retain_graph=True)
            gap, gain = (z[top] - z[k]).detach(), (w[0].pow(2) / a).sum()
            if best is None or gap / gain.sqrt() < least:
                best, least = gap * w[0] / a / gain, gap / gain.sqrt()
        result.append(best)
    return torch.stack(result)


# %% grade_id: deepfool
def deepfool(model, images, cost, steps, overshoot):
    results = []
    for image, a in zip(images.detach().split(1), cost.expand_as(images).split(1), strict=True):
        label = model(image).argmax()
        x, s, i = image, 0, 0
        while model(x).argmax() == label and i < steps:
            s = s + deepfool_step(model, x, a)
            x = image + (1 + overshoot) * s
            i += 1
        results.append(x if model(x).argmax() != label else image)
    return torch.cat(results).detach()


# %% grade_id: hinge
def hinge(logits, wanted, confidence=0.0):
    lacks = [z[~mask].max() - z[mask].max() for z, mask in zip(logits, wanted, strict=True)]
    return torch.stack(lacks).clamp_min(-confidence)
