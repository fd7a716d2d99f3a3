"""Every image, corner and pixel by itself, in plain loops."""

EXPECTED = {}


# %% grade_id: velocity
def velocity(psi):
    n, height, width = psi.shape
    field = torch.zeros(n, 2, height + 1, width + 1, dtype=psi.dtype)
    for i in range(height):
        for j in range(width):
            for down in (0, 1):
                for right in (0, 1):
                    field[:, 0, i + down, j + right] += psi[:, i, j] * (0.5 if down == 0 else -0.5)
                    field[:, 1, i + down, j + right] += psi[:, i, j] * (0.5 if right == 1 else -0.5)
    return field


# %% grade_id: stream_gradient
def stream_gradient(d):
    rows = []
    for x, y in d:
        height, width = x.shape
        c = torch.empty(height - 1, width - 1, dtype=d.dtype)
        for i in range(height - 1):
            for j in range(width - 1):
                c[i, j] = (x[i, j] + x[i, j + 1] - x[i + 1, j] - x[i + 1, j + 1]) / 2
                c[i, j] += (y[i, j + 1] + y[i + 1, j + 1] - y[i, j] - y[i + 1, j]) / 2
        rows.append(c)
    return torch.stack(rows)


# %% grade_id: dense_stream
def dense_stream(c, gamma, alpha):
    result = []
    for picture in c:
        x, y = difference_matrices(*picture.shape)
        p = x.T @ x + y.T @ y
        psi = torch.linalg.solve(p + gamma * (p @ p), -picture.double().flatten() / alpha)
        result.append(psi.view(picture.shape).to(c.dtype))
    return torch.stack(result)


# %% grade_id: predicted_slope
def predicted_slope(c, gamma, alpha):
    return torch.stack([-(x * fast_stream(x[None], gamma, alpha)[0]).sum() for x in c])


# %% grade_id: measured_slope
def measured_slope(model, images, labels, field, h):
    slopes = []
    for image, label, v in zip(images.detach(), labels, field.detach()):
        losses = {}
        for t in (h, -h, h / 2, -h / 2):
            logits = model(follow(image[None], v[None], t, 1)).detach()
            losses[t] = logits.logsumexp(1)[0] - logits[0, label]
        wide = (losses[h] - losses[-h]) / (2 * h)
        slopes.append(2 * (losses[h / 2] - losses[-h / 2]) / h - wide)
    return torch.stack(slopes)


# %% grade_id: flow_attack
def flow_attack(model, images, labels, gamma, size, steps):
    result = []
    for image, label in zip(images.detach(), labels):
        c = stream_gradient(motion_gradient(model, image[None], label[None]))
        field = velocity(fast_stream(c, gamma, 1.0)).double()
        if not field.any():
            result.append(image)
            continue
        field = field * (size / (field**2).sum(1).mean() ** 0.5)
        result.append(follow(image[None], field.to(image.dtype), 1.0, steps)[0])
    return torch.stack(result)
