"""Neighbours count with the value they had, dropped or not."""

EXPECTED = {"test_filled": 0}
REPLACE = {
    "filled": {
        "kept = (mask * images)": "kept = images",
        "count = F.conv2d(mask, ones": "count = F.conv2d(torch.ones_like(mask), ones",
    },
}
