"""The memory itself is the step."""

EXPECTED = {"test_eot_attack": 0, "test_eot_attack_budget": 0}
REPLACE = {
    "eot_attack": {"past.sign()": "past"},
}
