"""Gaussian vectors of the right length, not orthogonalised."""

EXPECTED = {"test_orthogonal_points": 0, "test_orthogonal_gradient": 0}
REPLACE = {
    "orthogonal_gradient": {
        "torch.linalg.qr(drawn)[0]": "torch.nn.functional.normalize(drawn, dim=1)",
    },
}
