"""The exact norm, by singular values."""

EXPECTED = {"test_spectral_norm": 0}
REPLACE = {
    "spectral_norm": {
        ("        return ((layer(v) - constant).norm() / v.norm()).item()"): (
            "        return torch.linalg.matrix_norm((layer(torch.eye(v.numel(), "
            "dtype=v.dtype).view(-1, *v.shape[1:])) - constant).flatten(1), 2).item()"
        ),
    },
}
