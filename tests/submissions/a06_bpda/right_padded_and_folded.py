"""The border is padded and a window moved over it; back, what lies outside is added to the border."""

EXPECTED = {}


# %% grade_id: shake
def shake(images, moves, weights):
    reach = int(moves.abs().max())
    height, width = images.shape[2:]
    wide = F.pad(images, (reach,) * 4, mode="replicate")
    total = 0
    for (r, c), w in zip((moves + reach).tolist(), weights.tolist(), strict=True):
        total = total + w * wide[:, :, r : r + height, c : c + width]
    return total


# %% grade_id: shake_transpose
def shake_transpose(gradients, moves, weights):
    reach = int(moves.abs().max())
    n, channels, height, width = gradients.shape
    wide = gradients.new_zeros(n, channels, height + 2 * reach, width + 2 * reach)
    for (r, c), w in zip((moves + reach).tolist(), weights.tolist(), strict=True):
        wide[:, :, r : r + height, c : c + width] += w * gradients
    for axis, side in ((2, height), (3, width)):
        inside = wide.narrow(axis, reach, side).clone()
        inside.select(axis, 0).add_(wide.narrow(axis, 0, reach).sum(axis))
        inside.select(axis, side - 1).add_(wide.narrow(axis, reach + side, reach).sum(axis))
        wide = inside
    return wide
