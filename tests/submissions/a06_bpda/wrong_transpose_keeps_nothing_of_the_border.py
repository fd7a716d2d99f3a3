"""Only places inside are given back."""

EXPECTED = {"test_shake_transpose": 0}
REPLACE = {
    "shake_transpose": {
        "index_add_(2, i, weight * gradients)": (
            "index_add_(2, i, weight * gradients * (rows + down == i)[:, None] * (columns + along == j))"
        ),
    },
}
