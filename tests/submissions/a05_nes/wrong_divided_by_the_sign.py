"""The step is divided by the sign of the momentum, which is no number where that is zero."""

EXPECTED = {"test_attack_traces": 0}
REPLACE = {
    "attack_under_budget": {
        "step_size * velocity[active].sign()": "step_size / velocity[active].sign()",
    },
}
