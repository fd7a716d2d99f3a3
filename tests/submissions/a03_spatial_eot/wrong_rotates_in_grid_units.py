"""The rotation is done in the units of grid_sample: an image that is not square is sheared."""

EXPECTED = {"test_rotate": 0}


# %% grade_id: rotate_translate
def rotate_translate(images, transforms):
    dx, dy, angle = transforms.to(images).unbind(1)
    height, width = images.shape[2:]
    c, s = torch.deg2rad(angle).cos(), torch.deg2rad(angle).sin()
    right, down = 2 * dx / width, 2 * dy / height
    first, second = torch.stack([c, -s, s * down - c * right], 1), torch.stack([s, c, -s * right - c * down], 1)
    grid = F.affine_grid(torch.stack([first, second], 1), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, align_corners=False)
