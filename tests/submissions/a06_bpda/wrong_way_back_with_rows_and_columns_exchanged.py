"""The moves are exchanged where the gradient is brought back."""

EXPECTED = {"test_shake_gradient": 0}
REPLACE = {
    "shake_gradient": {
        ")), moves, weights)": ")), moves.flip(1), weights)",
    },
}
