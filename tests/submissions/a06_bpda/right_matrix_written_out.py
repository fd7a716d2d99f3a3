"""The map as a matrix, made from one-hot rows and columns; the transpose is the matrix's."""

EXPECTED = {}


# %% grade_id: shake
def entries(height, width, moves, weights):
    total = torch.zeros(height * width, height * width, dtype=weights.dtype)
    for k in range(len(moves)):
        i = (torch.arange(height) + moves[k, 0]).clamp(0, height - 1)
        j = (torch.arange(width) + moves[k, 1]).clamp(0, width - 1)
        total += weights[k] * torch.kron(F.one_hot(i, height).to(weights), F.one_hot(j, width).to(weights))
    return total


def shake(images, moves, weights):
    return (images.flatten(2) @ entries(*images.shape[2:], moves, weights).T).view(images.shape)


# %% grade_id: shake_transpose
def shake_transpose(gradients, moves, weights):
    return (gradients.flatten(2) @ entries(*gradients.shape[2:], moves, weights)).view(gradients.shape)
