"""images.repeat with positions image by image."""

EXPECTED = {"test_crop_gradient": 0}
REPLACE = {
    "crop_gradient": {
        "torch.arange(len(images)).repeat_interleave(draws)": "torch.arange(len(images)).repeat(draws)",
    },
}
