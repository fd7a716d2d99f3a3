"""Among the fooled the last one comes back."""

EXPECTED = {"test_attack_best": 0}
REPLACE = {
    "attack_through": {
        "better = strength > strongest": "better = (strength > strongest) | fooled",
    },
}
