"""Every image, colour and pixel by itself, in plain loops."""

EXPECTED = {}


# %% grade_id: image_derivatives
def image_derivatives(images):
    height, width = images.shape[2:]
    x, y = torch.zeros_like(images), torch.zeros_like(images)
    for j in range(width):
        left, right = max(j - 1, 0), min(j + 1, width - 1)
        x[..., j] = (images[..., right] - images[..., left]) / (right - left)
    for i in range(height):
        up, down = max(i - 1, 0), min(i + 1, height - 1)
        y[..., i, :] = (images[..., down, :] - images[..., up, :]) / (down - up)
    return x, y


# %% grade_id: motion_gradient
def motion_gradient(model, images, labels):
    result = []
    for image, label in zip(images, labels):
        z = image[None].detach().clone().requires_grad_(True)
        loss = -model(z).log_softmax(1)[0, label]
        g = torch.autograd.grad(loss, [z])[0][0]
        x, y = image_derivatives(image[None].detach())
        d = torch.zeros(2, *image.shape[1:], dtype=image.dtype)
        for c in range(image.shape[0]):
            d[0] += g[c] * x[0, c]
            d[1] += g[c] * y[0, c]
        result.append(d)
    return torch.stack(result)


# %% grade_id: measured_slope
def measured_slope(model, images, labels, field, h):
    result = []
    for i in range(len(images)):
        one = slice(i, i + 1)
        losses = [F.cross_entropy(model(warp(images[one], field[one], s * h)), labels[one]).item() for s in (1, -1)]
        result.append((losses[0] - losses[1]) / (2 * h))
    return torch.tensor(result, dtype=images.dtype)


# %% grade_id: flow_attack
def flow_attack(model, images, labels, gamma, max_displacement):
    result = images.detach().clone()
    for i in range(len(images)):
        one = slice(i, i + 1)
        v = fast_field(motion_gradient(model, images[one], labels[one]), gamma, 1.0)
        longest = (v[0, 0] ** 2 + v[0, 1] ** 2).max().sqrt().item()
        if longest > 0:
            result[one] = warp(images[one].detach(), v, max_displacement / longest)
    return result
