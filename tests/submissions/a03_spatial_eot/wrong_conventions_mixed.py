"""The grid is made with align_corners=True and read with grid_sample's default, the other convention."""

EXPECTED = {"test_shift": 0, "test_rotate": 0}


# %% grade_id: rotate_translate
def rotate_translate(images, transforms):
    dx, dy, angle = transforms.to(images).view(-1, 3, 1, 1).unbind(1)
    height, width = images.shape[2:]
    rows, columns = torch.arange(height).to(images), torch.arange(width).to(images)
    v, u = torch.meshgrid(rows, columns, indexing="ij")
    right, down = u - (width - 1) / 2 - dx, v - (height - 1) / 2 - dy
    c, s = torch.deg2rad(angle).cos(), torch.deg2rad(angle).sin()
    across, along = c * right - s * down, s * right + c * down
    points = torch.stack([across + (width - 1) / 2, along + (height - 1) / 2], -1)
    return F.grid_sample(images, pixel_to_grid(points, height, width, True))
