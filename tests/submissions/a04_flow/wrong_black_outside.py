"""grid_sample's default padding: black comes in from outside."""

EXPECTED = {"test_warp": 0}


# %% grade_id: warp
def warp(images, field, t):
    height, width = images.shape[2:]
    x = torch.arange(width).to(images) - t * field[:, 0]
    y = torch.arange(height).to(images)[:, None] - t * field[:, 1]
    grid = torch.stack([(2 * x + 1) / width - 1, (2 * y + 1) / height - 1], -1)
    return F.grid_sample(images, grid, align_corners=False)
