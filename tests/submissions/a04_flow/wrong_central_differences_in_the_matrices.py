"""The matrices take the central differences of the image."""

EXPECTED = {"test_difference_matrices": 0}


# %% grade_id: difference_matrices
def difference_matrices(height, width):
    pixels = torch.eye(height * width, dtype=torch.float64).view(-1, 1, height, width)
    result = []
    for dim in (3, 2):
        step = torch.gradient(pixels, dim=dim)[0] if pixels.shape[dim] > 1 else torch.zeros_like(pixels)
        result.append(step.flatten(1).T.contiguous())
    return tuple(result)
