"""All images get the same directions, in both estimators."""

EXPECTED = {"test_rademacher_points": 0, "test_orthogonal_points": 0}
REPLACE = {
    "rademacher_gradient": {
        ("u = 2 * torch.randint(2, shape, generator=generator).to(images.dtype) - 1"): (
            "u = 2 * torch.randint(2, shape[1:], generator=generator).to(images.dtype).expand(shape) - 1"
        ),
    },
    "orthogonal_gradient": {
        ("torch.randn(len(images), pixels, pairs, generator=generator, dtype=images.dtype)"): (
            "torch.randn(1, pixels, pairs, generator=generator, dtype=images.dtype).repeat(len(images), 1, 1)"
        ),
    },
}
