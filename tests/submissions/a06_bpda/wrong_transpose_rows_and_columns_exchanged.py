"""A move is taken for (x, y) on the way back alone."""

EXPECTED = {"test_shake_transpose": 0}
REPLACE = {
    "shake_transpose": {
        "for (down, along), weight": "for (along, down), weight",
    },
}
