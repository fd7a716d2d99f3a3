"""affine_grid with corners aligned and the ratio of the sides in the matrix; the draws one by one."""

EXPECTED = {}


# %% grade_id: pixel_to_grid
def pixel_to_grid(points, height, width, align_corners):
    u, v = points.unbind(-1)
    if align_corners:
        return torch.stack([u / (width - 1), v / (height - 1)], -1) * 2 - 1
    return torch.stack([(u + 0.5) / width, (v + 0.5) / height], -1) * 2 - 1


# %% grade_id: rotate_translate
def rotate_translate(images, transforms):
    n, _, height, width = images.shape
    dx, dy, angle = (column.to(images) for column in transforms.unbind(1))
    scale = torch.tensor([width - 1, height - 1], dtype=images.dtype) / 2  # grid units -> pixels from the middle
    cosine, sine = torch.cos(torch.deg2rad(angle)), torch.sin(torch.deg2rad(angle))
    inverse = torch.stack([cosine, -sine, sine, cosine], 1).view(n, 2, 2)
    offset = -(inverse @ torch.stack([dx, dy], 1)[..., None])
    theta = torch.cat([inverse * scale, offset], 2) / scale[:, None]
    return F.grid_sample(images, F.affine_grid(theta, list(images.shape), align_corners=True), align_corners=True)


# %% grade_id: eot_gradient
def eot_gradient(model, images, targets, transforms):
    total = torch.zeros_like(images)
    for t in transforms:
        x = images.detach().clone().requires_grad_()
        value = model(rotate_translate(x, t)).log_softmax(1).gather(1, targets[:, None]).sum()
        total += torch.autograd.grad(value, x)[0]
    return total / len(transforms)
