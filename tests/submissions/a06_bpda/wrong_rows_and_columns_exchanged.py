"""A move is taken for (x, y)."""

EXPECTED = {"test_shake": 0}
REPLACE = {
    "shake": {
        "for (down, along), weight": "for (along, down), weight",
    },
}
