"""The first look is not counted as a query."""

EXPECTED = {"test_attack_budget": 0}
REPLACE = {
    "attack_under_budget": {
        "    active = active[oracle.left(active) >= 1]\n": (
            "    steps = oracle.left(active) // (samples + 1)\n    active = active[oracle.left(active) >= 1]\n"
        ),
        "(oracle.left(active) >= samples + 1)": "(steps[active] > 0)",
        "        numbers = active\n": "        numbers = active\n        steps[active] -= 1\n",
    },
}
