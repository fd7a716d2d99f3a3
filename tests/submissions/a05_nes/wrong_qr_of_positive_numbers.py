"""The vectors that are made orthogonal are uniform in [0, 1]: the first is always grey."""

EXPECTED = {"test_orthogonal_points": 0}
REPLACE = {
    "orthogonal_gradient": {
        "torch.randn(": "torch.rand(",
    },
}
