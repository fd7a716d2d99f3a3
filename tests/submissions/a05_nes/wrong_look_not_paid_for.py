"""A step is taken with n queries left, and the look after it is refused."""

EXPECTED = {"test_attack_budget": 0}
REPLACE = {
    "attack_under_budget": {
        "oracle.left(active) >= samples + 1": "oracle.left(active) >= samples",
    },
}
