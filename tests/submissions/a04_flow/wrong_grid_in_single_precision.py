"""The places are float32 whatever the images are."""

EXPECTED = {"test_follow": 0}
REPLACE = {
    "follow": {
        ("torch.arange(height).to(images), torch.arange(width).to(images)"): (
            "torch.linspace(0, height - 1 + 1e-6, height).to(images), torch.linspace(0, width - 1, width).to(images)"
        )
    },
}
