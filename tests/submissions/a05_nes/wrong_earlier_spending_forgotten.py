"""Queries are counted in the function, as if none had been spent before."""

EXPECTED = {"test_attack_budget": 0}
REPLACE = {
    "attack_under_budget": {
        "    active = active[oracle.left(active) >= 1]\n": (
            "    active, spent = active if oracle.budget else active[:0], 1\n"
        ),
        "oracle.left(active) >= samples + 1)": "oracle.budget - spent >= samples + 1)",
        "        numbers = active\n": "        numbers, spent = active, spent + samples + 1\n",
    },
}
