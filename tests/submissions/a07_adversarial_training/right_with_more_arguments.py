"""Functions with arguments of their own, with defaults, which the others use."""

EXPECTED = {}


# %% grade_id: nearest
def nearest(points, images, eps, low=0, high=1):
    delta = points - images
    lengths = delta.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
    inside = lengths <= eps.view(-1, 1, 1, 1)
    return (images + torch.where(inside, delta, eps.view(-1, 1, 1, 1) * delta / lengths)).clamp(low, high)


# %% grade_id: ascend
def ascend(model, images, labels, eps, share, steps, start=None, sign=1):
    x = nearest(images if start is None else start, images, eps, low=0, high=1)
    for _ in range(steps):
        with torch.enable_grad():
            leaf = x.clone().requires_grad_()
            g = torch.autograd.grad(F.cross_entropy(model(leaf), labels, reduction="sum"), leaf)[0]
        lengths = g.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
        x = nearest(x + sign * (share * eps).view(-1, 1, 1, 1) * (g / lengths).nan_to_num(0.0), images, eps, high=1)
    return x


# %% grade_id: turn
def turn(model, images, labels, noise, h, loss, factor=None):
    factor = images[0].numel() if factor is None else factor
    unit = noise / noise.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
    points = [images.clone().requires_grad_(), (images + h.view(-1, 1, 1, 1) * unit).requires_grad_()]
    total = sum(loss(model(x), labels).sum() for x in points)
    near, far = torch.autograd.grad(total, points, create_graph=True)
    return factor * ((far - near).flatten(1) / h[:, None]).square().sum(1)


# %% grade_id: limit
def limit(weight, bias, images, power=2):
    p = (images.flatten(1) @ weight.T + bias).softmax(1)
    root = p.sqrt()[:, :, None] * (weight[None] - (p @ weight)[:, None])  # H = rootᵀ root
    return torch.linalg.svdvals(root).pow(2 * power).sum(1)
