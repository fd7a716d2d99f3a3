"""Independent draws, as in the lecture."""

EXPECTED = {"test_draw_transforms": 0}
REPLACE = {
    "draw_transforms": {
        "torch.cat([shares, -shares], dim=1)": (
            "torch.cat([shares, 1 - 2 * torch.rand(n // 2, 1, count, 3, generator=generator)], dim=1)"
        )
    },
}
