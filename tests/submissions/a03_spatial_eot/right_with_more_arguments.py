"""Functions with more arguments than asked for, and one of them serves the others."""

EXPECTED = {}


# %% grade_id: rotate_translate
def rotate_translate(images, transforms, align_corners=True):
    dx, dy, angle = transforms.to(images).view(-1, 3, 1, 1).unbind(1)
    height, width = images.shape[2:]
    rows, columns = torch.arange(height).to(images), torch.arange(width).to(images)
    v, u = torch.meshgrid(rows, columns, indexing="ij")
    right, down = u - (width - 1) / 2 - dx, v - (height - 1) / 2 - dy
    c, s = torch.deg2rad(angle).cos(), torch.deg2rad(angle).sin()
    across, along = c * right - s * down, s * right + c * down
    points = torch.stack([across + (width - 1) / 2, along + (height - 1) / 2], -1)
    return F.grid_sample(images, pixel_to_grid(points, height, width, align_corners), align_corners=align_corners)


# %% grade_id: eot_gradient
def eot_gradient(model, images, targets, transforms, with_hits=False):
    x = images.detach().requires_grad_(False).clone().requires_grad_(True)
    n, count = transforms.shape[:2]
    moved = rotate_translate(x.expand(n, *x.shape).flatten(0, 1), transforms.view(-1, 3), align_corners=False)
    logp = F.log_softmax(model(moved), dim=1).view(n, count, -1)
    value = logp[:, torch.arange(count), targets].mean(0)
    (gradient,) = torch.autograd.grad(value, x, torch.ones_like(value))
    return (gradient, (logp.argmax(2) == targets).double().mean().item()) if with_hits else gradient


# %% grade_id: survival
def survival(model, adversarial, targets, transforms):
    return eot_gradient(model, adversarial, targets, transforms, with_hits=True)[1]
