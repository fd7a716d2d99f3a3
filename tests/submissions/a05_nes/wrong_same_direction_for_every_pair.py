"""One direction an image, asked about again and again."""

EXPECTED = {"test_rademacher_points": 0}
REPLACE = {
    "rademacher_gradient": {
        ("u = 2 * torch.randint(2, shape, generator=generator).to(images.dtype) - 1"): (
            "u = 2 * torch.randint(2, (shape[0], 1, *shape[2:]), "
            "generator=generator).to(images.dtype).expand(shape) - 1"
        ),
    },
}
