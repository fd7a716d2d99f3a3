"""The four neighbours are gathered and weighted by hand, their indices clamped to the image."""

EXPECTED = {}


# %% grade_id: warp
def warp(images, field, t):
    n, channels, height, width = images.shape
    x = (torch.arange(width).to(images) - t * field[:, 0]).clamp(0, width - 1)
    y = (torch.arange(height).to(images)[:, None] - t * field[:, 1]).clamp(0, height - 1)
    left, top = x.floor().clamp(max=max(width - 2, 0)), y.floor().clamp(max=max(height - 2, 0))
    flat, result = images.flatten(2), 0
    for down in (0, 1):
        for right in (0, 1):
            row, column = top + down, left + right
            weight = (1 - (x - column).abs()) * (1 - (y - row).abs())
            index = (row * width + column).long().flatten(1)[:, None].expand(-1, channels, -1)
            result = result + weight[:, None] * flat.gather(2, index).view_as(images)
    return result
