"""Rounded to the nearest row: one row too many."""

EXPECTED = {"test_crop_positions": 0}
REPLACE = {
    "crop_positions": {
        "torch.minimum((spots * sides).long(), sides - 1)": "(spots * sides).round().long()",
    },
}
