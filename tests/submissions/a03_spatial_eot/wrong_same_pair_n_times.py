"""The same pair again and again."""

EXPECTED = {"test_draw_transforms": 0}
REPLACE = {
    "draw_transforms": {
        ("torch.rand(n // 2, 1, count, 3, generator=generator)"): (
            "torch.rand(1, 1, count, 3, generator=generator).expand(n // 2, -1, -1, -1)"
        )
    },
}
