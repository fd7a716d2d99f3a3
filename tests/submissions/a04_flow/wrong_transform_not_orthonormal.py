"""The first row of the transform is not divided by √2."""

EXPECTED = {"test_cosine_transform": 0}


# %% grade_id: cosine_transform
def cosine_transform(n):
    k = torch.arange(n, dtype=torch.float64)
    return (2 / n) ** 0.5 * torch.cos(torch.pi * k[:, None] * (k + 0.5) / n), 2 - 2 * torch.cos(torch.pi * k / n)
