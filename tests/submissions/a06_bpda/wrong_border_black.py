"""Beyond the border is black: copies are cut off."""

EXPECTED = {"test_shake": 0}


# %% grade_id: shake
def shake(images, moves, weights):
    height, width = images.shape[2:]
    total = torch.zeros_like(images)
    for (down, along), weight in zip(moves.tolist(), weights, strict=True):
        for i in range(max(0, -down), min(height, height - down)):
            for j in range(max(0, -along), min(width, width - along)):
                total[:, :, i, j] += weight * images[:, :, i + down, j + along]
    return total
