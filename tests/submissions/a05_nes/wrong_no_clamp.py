"""Pixels leave [0, 1]."""

EXPECTED = {"test_attack": 0}
REPLACE = {
    "attack_under_budget": {
        "images[active] + eps).clamp(0, 1)": "images[active] + eps)",
    },
}
