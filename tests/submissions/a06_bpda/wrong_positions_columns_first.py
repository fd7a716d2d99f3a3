"""Positions are (column, row)."""

EXPECTED = {"test_crop_positions": 0}
REPLACE = {
    "crop_positions": {
        "[rows, columns]": "[columns, rows]",
    },
}
