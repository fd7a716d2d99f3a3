"""The four neighbours are gathered and weighted by hand; complex numbers turn."""

EXPECTED = {}


# %% grade_id: rotate_translate
def rotate_translate(images, transforms):
    n, channels, height, width = images.shape
    dx, dy, angle = transforms.to(images).view(n, 3, 1, 1).unbind(1)
    v, u = torch.meshgrid(torch.arange(height).to(images), torch.arange(width).to(images), indexing="ij")
    place = torch.complex(u - (width - 1) / 2 - dx, v - (height - 1) / 2 - dy)
    place = place * torch.polar(torch.ones_like(angle), torch.deg2rad(angle))
    across, along = place.real + (width - 1) / 2, place.imag + (height - 1) / 2
    left, top = across.floor(), along.floor()
    flat, result = images.flatten(2), 0
    for row in (top, top + 1):
        for column in (left, left + 1):
            weight = (1 - (across - column).abs()) * (1 - (along - row).abs())
            inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            index = (row.clamp(0, height - 1) * width + column.clamp(0, width - 1)).long()
            index = index.flatten(1)[:, None].expand(-1, channels, -1)
            read = flat.gather(2, index).view(n, channels, height, width)
            result = result + (weight * inside)[:, None] * read
    return result
