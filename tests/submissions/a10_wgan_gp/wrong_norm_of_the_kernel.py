"""A convolution is taken for the matrix of its kernel."""

EXPECTED = {"test_spectral_norm": 0}
REPLACE = {
    "spectral_norm": {
        "    v = start.detach()\n": (
            "    if isinstance(layer, nn.Conv2d):\n"
            "        return torch.linalg.matrix_norm(layer.weight.detach().flatten(1), 2).item()\n"
            "    v = start.detach()\n"
        ),
    },
}
