"""grid_sample with the centres of the outer pixels at -1 and 1."""

EXPECTED = {}


# %% grade_id: follow
def follow(images, field, t, steps):
    n, _, height, width = images.shape
    x = torch.arange(width, dtype=images.dtype).view(1, 1, width).repeat(n, height, 1)
    y = torch.arange(height, dtype=images.dtype).view(1, height, 1).repeat(n, 1, width)

    def at(z):
        grid = torch.stack([2 * x / (width - 1) - 1, 2 * y / (height - 1) - 1], -1)
        return F.grid_sample(z, grid, mode="bilinear", padding_mode="border", align_corners=True)

    for _ in range(steps):
        v = at(field) * (t / steps)
        x, y = x - v[:, 0], y - v[:, 1]
    return at(images)
