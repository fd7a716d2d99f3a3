"""The step is along the momentum, not its sign."""

EXPECTED = {"test_attack": 0}
REPLACE = {
    "attack_under_budget": {
        "velocity[active].sign()": "velocity[active]",
    },
}
