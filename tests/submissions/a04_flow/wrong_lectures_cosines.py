"""The lecture's cosine transform."""

EXPECTED = {"test_sine_transform": 0}


# %% grade_id: sine_transform
def sine_transform(n):
    k = torch.arange(n, dtype=torch.float64)
    matrix = (2 / n) ** 0.5 * torch.cos(torch.pi / n * k[:, None] * (k + 0.5))
    matrix[0] /= 2**0.5
    return matrix, 2 - 2 * torch.cos(torch.pi / n * k)
