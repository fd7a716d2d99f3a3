"""Slanted in grid units, where a pixel is not as wide as it is high."""

EXPECTED = {"test_slant": 0}


# %% grade_id: slant_translate
def slant_translate(images, transforms):
    height, width = images.shape[2:]
    dx, dy, slant = (column[:, None, None] for column in transforms.to(images).unbind(1))
    y, x = torch.meshgrid(torch.arange(height).to(images), torch.arange(width).to(images), indexing="ij")
    v = (2 * (y - dy) + 1) / height - 1
    u = (2 * (x - dx) + 1) / width - 1 + slant * v
    return F.grid_sample(images, torch.stack([u, v.expand_as(u)], -1), align_corners=False)
