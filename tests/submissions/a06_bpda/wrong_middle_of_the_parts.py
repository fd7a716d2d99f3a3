"""The middle of each part: never another crop."""

EXPECTED = {"test_crop_positions": 0}
REPLACE = {
    "crop_positions": {
        "inside = torch.rand(count, draws, 2, generator=generator, dtype=torch.float64)": (
            "inside = torch.full((count, draws, 2), 0.5, dtype=torch.float64)"
        ),
    },
}
