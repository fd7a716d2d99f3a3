"""Kept pixels are averaged with their neighbours too."""

EXPECTED = {"test_filled": 0}
REPLACE = {
    "filled": {
        "    return torch.where(mask > 0, images, around)": "    return around",
    },
}
