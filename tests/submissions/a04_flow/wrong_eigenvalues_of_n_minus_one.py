"""The cosines of the eigenvalues run to π: πk / (n - 1)."""

EXPECTED = {"test_cosine_transform": 0}


# %% grade_id: cosine_transform
def cosine_transform(n):
    k = torch.arange(n, dtype=torch.float64)
    matrix = (2 / n) ** 0.5 * torch.cos(torch.pi * k[:, None] * (k + 0.5) / n)
    matrix[0] = n**-0.5
    return matrix, 2 - 2 * torch.cos(torch.linspace(0, torch.pi, n, dtype=torch.float64))
