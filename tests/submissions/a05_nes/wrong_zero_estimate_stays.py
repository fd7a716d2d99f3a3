"""Where the estimate is zero the image does not move at all."""

EXPECTED = {"test_attack_traces": 0}
REPLACE = {
    "attack_under_budget": {
        "step_size * velocity[active].sign()": "step_size * velocity[active].sign() * (length > 0)",
    },
}
