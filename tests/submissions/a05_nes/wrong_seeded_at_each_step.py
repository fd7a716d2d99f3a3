"""The attack seeds the generator at each step, so that all estimates have the same directions."""

EXPECTED = {"test_attack": 0}
REPLACE = {
    "attack_under_budget": {
        "        numbers = active\n": "        numbers = active\n        generator.manual_seed(0)\n",
    },
}
