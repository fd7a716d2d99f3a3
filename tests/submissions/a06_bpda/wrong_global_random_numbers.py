"""Positions are drawn without the generator."""

EXPECTED = {"test_crop_positions": 0}
REPLACE = {
    "crop_positions": {
        "torch.rand(count, draws, 2, generator=generator,": "torch.rand(count, draws, 2,",
    },
}
