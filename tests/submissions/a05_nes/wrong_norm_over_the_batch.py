"""The estimates are divided by the norm of the whole batch."""

EXPECTED = {"test_attack": 0}
REPLACE = {
    "attack_under_budget": {
        "found.flatten(1).norm(dim=1).view(-1, 1, 1, 1)": "found.norm()",
    },
}
