"""The columns are shifted by a random number of parts (torch.roll), in place of a random order."""

EXPECTED = {"test_crop_positions": 0}
REPLACE = {
    "crop_positions": {
        "torch.rand(count, draws, generator=generator, dtype=torch.float64).argsort(1)": (
            "(torch.arange(draws) + torch.randint(draws, (count, 1), generator=generator)) % draws"
        ),
    },
}
