"""The coins show 0 and 1."""

EXPECTED = {"test_rademacher_points": 0}
REPLACE = {
    "rademacher_gradient": {
        ("u = 2 * torch.randint(2, shape, generator=generator).to(images.dtype) - 1"): (
            "u = torch.randint(2, shape, generator=generator).to(images.dtype)"
        ),
    },
}
