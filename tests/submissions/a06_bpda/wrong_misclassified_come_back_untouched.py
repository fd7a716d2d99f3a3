"""Who is misclassified from the start comes back as it was."""

EXPECTED = {"test_attack_best": 0}
REPLACE = {
    "attack_through": {
        "better = strength > strongest": (
            "better = (strength > strongest) & ((strongest < 1e5) | (best != images).flatten(1).any(1))"
        ),
    },
}
