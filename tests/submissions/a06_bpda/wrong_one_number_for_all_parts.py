"""One uniform number for all parts of an image."""

EXPECTED = {"test_crop_positions": 0}
REPLACE = {
    "crop_positions": {
        "torch.rand(count, draws, 2,": "torch.rand(count, 1, 2,",
    },
}
