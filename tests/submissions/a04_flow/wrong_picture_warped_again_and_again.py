"""The picture is warped in every step, and blurred."""

EXPECTED = {"test_follow": 0}


# %% grade_id: follow
def follow(images, field, t, steps):
    height, width = images.shape[2:]
    for _ in range(steps):
        x = torch.arange(width).to(images) - t / steps * field[:, 0]
        y = torch.arange(height).to(images)[:, None] - t / steps * field[:, 1]
        grid = torch.stack([(2 * x + 1) / width - 1, (2 * y + 1) / height - 1], dim=-1)
        images = F.grid_sample(images, grid, padding_mode="border", align_corners=False)
    return images
