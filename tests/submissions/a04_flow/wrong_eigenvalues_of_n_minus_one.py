"""The cosines of the eigenvalues run to π: πk / (n - 1)."""

EXPECTED = {"test_cosine_transform": 0}
REPLACE = {
    "cosine_transform": {
        "torch.cos(torch.pi / n * k)": "torch.cos(torch.linspace(0, torch.pi, n, dtype=torch.float64))"
    }
}
