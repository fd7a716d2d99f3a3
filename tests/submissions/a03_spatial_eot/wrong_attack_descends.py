"""Down instead of up."""

EXPECTED = {"test_eot_attack": 0, "test_eot_attack_budget": 0}
REPLACE = {
    "eot_attack": {"x + step_size": "x - step_size"},
}
