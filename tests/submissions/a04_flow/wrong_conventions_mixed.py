"""The grid is made with corners aligned and read with grid_sample's default."""

EXPECTED = {"test_warp": 0}


# %% grade_id: warp
def warp(images, field, t):
    height, width = images.shape[2:]
    x = torch.arange(width).to(images) - t * field[:, 0]
    y = torch.arange(height).to(images)[:, None] - t * field[:, 1]
    grid = torch.stack([2 * x / (width - 1) - 1, 2 * y / (height - 1) - 1], -1)
    return F.grid_sample(images, grid, padding_mode="border")
