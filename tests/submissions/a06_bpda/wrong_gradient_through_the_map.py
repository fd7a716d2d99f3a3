"""Shaken once more, in place of transposed."""

EXPECTED = {"test_shake_gradient": 0}
REPLACE = {
    "shake_gradient": {
        "return shake_transpose(gradient_at": "return shake(gradient_at",
    },
}
