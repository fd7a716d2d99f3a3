"""Steps are not kept in the ball."""

EXPECTED = {"test_attack": 0}
REPLACE = {
    "attack_under_budget": {
        "moved.clamp(images[active] - eps, images[active] + eps).clamp(0, 1)": "moved.clamp(0, 1)",
    },
}
