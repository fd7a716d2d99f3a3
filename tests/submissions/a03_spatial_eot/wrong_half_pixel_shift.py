"""affine_grid with one pixel as 2 / (W - 1), read with the edges at -1 and 1: 3 pixels become 3.1."""

EXPECTED = {"test_shift": 0, "test_rotate": 0}


# %% grade_id: rotate_translate
def rotate_translate(images, transforms):
    dx, dy, angle = transforms.to(images).unbind(1)
    height, width = images.shape[2:]
    c, s = torch.deg2rad(angle).cos(), torch.deg2rad(angle).sin()
    right, down = 2 * dx / (width - 1), 2 * dy / (height - 1)
    ratio = height / width
    first = torch.stack([c, -s * ratio, -(c * right - s * ratio * down)], 1)
    second = torch.stack([s / ratio, c, -(s / ratio * right + c * down)], 1)
    grid = F.affine_grid(torch.stack([first, second], 1), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, align_corners=False)
