"""Loops over images and classes in Python."""

EXPECTED = {}


# %% grade_id: boundary_distances
def boundary_distances(weight, bias, images):
    rows = []
    for image in images:
        z = weight @ image.reshape(-1) + bias
        top = int(z.argmax())
        row = [
            torch.tensor(float("inf"), dtype=z.dtype)
            if k == top
            else (z[top] - z[k]) / (weight[k] - weight[top]).norm()
            for k in range(len(z))
        ]
        rows.append(torch.stack(row))
    return torch.stack(rows)


# %% grade_id: nearest_boundary
def nearest_boundary(weight, bias, images):
    result = torch.empty_like(images)
    for n, image in enumerate(images):
        z = weight @ image.reshape(-1) + bias
        top = int(z.argmax())
        steps = [(z[top] - z[k]) * (v := weight[k] - weight[top]) / (v @ v) for k in range(len(z)) if k != top]
        result[n] = min(steps, key=lambda r: float(r.norm())).view_as(image)
    return result


# %% grade_id: deepfool_step
def deepfool_step(model, images):
    result = []
    for image in images:
        x = image.detach().clone()[None].requires_grad_()
        z = model(x)[0]
        top = int(z.argmax())
        best = None
        for k in range(len(z)):
            if k == top:
                continue
            (w,) = torch.autograd.grad(z[k] - z[top], x, retain_graph=True)
            r = (z[top] - z[k]).detach() * w[0] / w.pow(2).sum()
            if best is None or r.norm() < best.norm():
                best = r
        result.append(best)
    return torch.stack(result)


# %% grade_id: deepfool
def deepfool(model, images, steps, overshoot):
    results = []
    for image in images.detach().split(1):
        label = model(image).argmax()
        x, s, i = image, 0, 0
        while model(x).argmax() == label and i < steps:
            s = s + deepfool_step(model, x)
            x = image + (1 + overshoot) * s
            i += 1
        results.append(x if model(x).argmax() != label else image)
    return torch.cat(results).detach()
