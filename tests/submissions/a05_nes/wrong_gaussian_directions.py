"""The directions of the lecture, from a normal distribution."""

EXPECTED = {"test_rademacher_points": 0}
REPLACE = {
    "rademacher_gradient": {
        ("u = 2 * torch.randint(2, shape, generator=generator).to(images.dtype) - 1"): (
            "u = torch.randn(shape, generator=generator, dtype=images.dtype)"
        ),
    },
}
