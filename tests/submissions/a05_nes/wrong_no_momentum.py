"""Each step follows its own estimate alone."""

EXPECTED = {"test_attack": 0, "test_attack_traces": 0}
REPLACE = {
    "attack_under_budget": {
        "momentum * velocity[active] + torch": "torch",
    },
}
