"""P² has the sum of the squares as eigenvalues."""

EXPECTED = {"test_fast_stream": 0}
REPLACE = {
    "fast_stream": {
        "gamma * both.square()": ("gamma * torch.cartesian_prod(*values).square().sum(1).view(c.shape[1:]).to(c)")
    },
}
