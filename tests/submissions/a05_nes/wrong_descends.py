"""Each step goes against the estimate."""

EXPECTED = {"test_attack": 0}
REPLACE = {
    "attack_under_budget": {
        "x[active] + step_size": "x[active] - step_size",
    },
}
