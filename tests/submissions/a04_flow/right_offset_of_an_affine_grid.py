"""The way is kept as an offset to the grid of the identity."""

EXPECTED = {}


# %% grade_id: follow
def follow(images, field, t, steps):
    eye = torch.eye(2, 3, dtype=images.dtype).expand(len(images), 2, 3)
    grid = F.affine_grid(eye, list(images.shape), align_corners=False)
    unit = 2 / torch.tensor([images.shape[3], images.shape[2]], dtype=images.dtype)
    for _ in range(steps):
        moved = F.grid_sample(field, grid, padding_mode="border", align_corners=False)
        grid = grid - unit * t / steps * moved.movedim(1, 3)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)
