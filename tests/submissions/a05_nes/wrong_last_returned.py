"""The last iterate comes back, not the best."""

EXPECTED = {"test_attack": 0}
REPLACE = {
    "attack_under_budget": {
        "    return best": "    return x",
    },
}
