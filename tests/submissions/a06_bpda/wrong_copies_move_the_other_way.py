"""The copies are moved by r, where the pixel that is shown is at i + r."""

EXPECTED = {"test_shake": 0}
REPLACE = {
    "shake": {
        "(rows + down)": "(rows - down)",
        "(columns + along)": "(columns - along)",
    },
}
