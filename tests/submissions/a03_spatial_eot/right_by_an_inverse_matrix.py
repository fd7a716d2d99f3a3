"""The inverse of a 3 x 3 matrix of homogeneous coordinates."""

EXPECTED = {}


# %% grade_id: slant_translate
def slant_translate(images, transforms):
    n, _, height, width = images.shape
    t = transforms.to(images)
    m = torch.eye(3, dtype=images.dtype).repeat(n, 1, 1)
    m[:, 0, 1], m[:, 1, 2] = -t[:, 2], t[:, 1]
    m[:, 0, 2] = t[:, 0] + t[:, 2] * (height - 1) / 2
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    new = torch.stack([x, y, torch.ones_like(x)]).to(images).flatten(1)
    places = (torch.linalg.inv(m) @ new)[:, :2].view(n, 2, height, width).movedim(1, 3)
    return F.grid_sample(images, pixel_to_grid(places, height, width, False), align_corners=False)
