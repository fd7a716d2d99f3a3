"""The grid with corners aligned, from linspace; the displacement in its units."""

EXPECTED = {}


# %% grade_id: warp
def warp(images, field, t):
    n, _, height, width = images.shape
    across = torch.linspace(-1, 1, width, dtype=images.dtype)
    along = torch.linspace(-1, 1, height, dtype=images.dtype)
    v, u = torch.meshgrid(along, across, indexing="ij")
    unit = torch.tensor([2 / (width - 1), 2 / (height - 1)], dtype=images.dtype)
    grid = torch.stack([u, v], -1) - t * field.permute(0, 2, 3, 1) * unit
    return F.grid_sample(images, grid, padding_mode="border", align_corners=True)
