"""The first that fools comes back."""

EXPECTED = {"test_attack_best": 0}
REPLACE = {
    "attack_through": {
        "better = strength > strongest": "better = (strength > strongest) & (strongest < 1e5)",
    },
}
