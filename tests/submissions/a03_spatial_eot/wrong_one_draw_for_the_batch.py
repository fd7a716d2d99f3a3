"""All images have the same draws."""

EXPECTED = {"test_draw_transforms": 0}
REPLACE = {
    "draw_transforms": {
        ("torch.rand(n // 2, 1, count, 3, generator=generator)"): (
            "torch.rand(n // 2, 1, 1, 3, generator=generator).expand(-1, -1, count, -1)"
        )
    },
}
