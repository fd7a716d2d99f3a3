"""The last row and column are never reached."""

EXPECTED = {"test_crop_positions": 0}
REPLACE = {
    "crop_positions": {
        "    sides = torch.tensor([rows, columns])": "    sides = torch.tensor([rows, columns]) - 1",
        "sides - 1)": "sides)",
    },
}
