"""The first copy is taken for the image itself, and the others are added to it in place."""

EXPECTED = {"test_shake": 0}
REPLACE = {
    "shake": {
        "total = torch.zeros_like(images)": "total = images.mul_(0.5)",
    },
}
