"""The eigenvalues of the periodic differences, 2πk / n."""

EXPECTED = {"test_cosine_transform": 0}
REPLACE = {"cosine_transform": {"2 - 2 * torch.cos(torch.pi": "2 - 2 * torch.cos(2 * torch.pi"}}
