"""The loops go on when no image is left, and ask about no points."""

EXPECTED = {"test_attack": 0, "test_attack_budget": 0, "test_attack_traces": 0, "test_shrink": 0}
REPLACE = {
    "attack_under_budget": {
        "        if not len(active):\n            break\n": "",
    },
    "shrink": {
        "        if not len(rows):\n            break\n": "",
    },
}
