"""The four neighbours are gathered and weighted by hand."""

EXPECTED = {}


# %% grade_id: follow
def follow(images, field, t, steps):
    n, channels, height, width = images.shape

    def at(z, x, y):
        x, y = x.clamp(0, width - 1), y.clamp(0, height - 1)
        left, top = x.floor().clamp(max=width - 2), y.floor().clamp(max=height - 2)
        result = 0
        for down in (0, 1):
            for right in (0, 1):
                weight = (1 - (x - left - right).abs()) * (1 - (y - top - down).abs())
                index = ((top + down) * width + left + right).long().flatten(1)[:, None].expand(-1, z.shape[1], -1)
                result = result + weight[:, None] * z.flatten(2).gather(2, index).view_as(z)
        return result

    y, x = torch.meshgrid(torch.arange(height).to(images), torch.arange(width).to(images), indexing="ij")
    x, y, left = x.expand(n, -1, -1), y.expand(n, -1, -1), steps
    while left:
        v = at(field, x, y)
        x, y, left = x - t * v[:, 0] / steps, y - t * v[:, 1] / steps, left - 1
    return at(images, x, y)
