"""The network's gradient is taken at x, not at what the network sees."""

EXPECTED = {"test_shake_gradient": 0}
REPLACE = {
    "shake_gradient": {
        "gradient_at(shake(images, moves, weights))": "gradient_at(images)",
    },
}
