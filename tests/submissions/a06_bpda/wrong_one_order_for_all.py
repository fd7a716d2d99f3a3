"""One random order for the whole batch."""

EXPECTED = {"test_crop_positions": 0}
REPLACE = {
    "crop_positions": {
        "torch.rand(count, draws, generator=generator, dtype=torch.float64).argsort(1)": (
            "torch.randperm(draws, generator=generator).expand(count, draws)"
        ),
    },
}
