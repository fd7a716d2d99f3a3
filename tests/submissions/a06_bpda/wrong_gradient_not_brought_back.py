"""The network's gradient at A x, not brought back."""

EXPECTED = {"test_shake_gradient": 0}
REPLACE = {
    "shake_gradient": {
        "shake_transpose(gradient_at(shake(images, moves, weights)), moves, weights)": (
            "gradient_at(shake(images, moves, weights))"
        ),
    },
}
