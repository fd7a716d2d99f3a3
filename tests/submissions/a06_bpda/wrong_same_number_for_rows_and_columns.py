"""The number inside the part is the same for row and column."""

EXPECTED = {"test_crop_positions": 0}
REPLACE = {
    "crop_positions": {
        "torch.rand(count, draws, 2, generator=generator, dtype=torch.float64)": (
            "torch.rand(count, draws, 1, generator=generator, dtype=torch.float64)"
        ),
        "(torch.arange(draws)[:, None] + inside) / draws": (
            "((torch.arange(draws)[:, None] + inside) / draws).repeat(1, 1, 2)"
        ),
    },
}
