"""The rows and columns around each place are weighted by hand."""

EXPECTED = {}


# %% grade_id: slant_translate
def slant_translate(images, transforms):
    n, _, height, width = images.shape
    dx, dy, k = (c.view(n, 1, 1) for c in transforms.to(images).T)
    rows, columns = torch.arange(height).to(images), torch.arange(width).to(images)
    v = rows.view(1, height, 1) - dy
    u = columns - dx + k * (v - (height - 1) / 2)
    across = (1 - (u[..., None] - columns).abs()).clamp(min=0)
    along = (1 - (v - rows).abs()).clamp(min=0)
    return torch.einsum("ncij,nri,nrqj->ncrq", images, along, across)
