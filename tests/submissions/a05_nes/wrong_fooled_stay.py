"""Images go on until all are fooled."""

EXPECTED = {"test_attack": 0, "test_attack_budget": 0}
REPLACE = {
    "attack_under_budget": {
        ("active = active[(value <= 0) & (oracle.left(active) >= samples + 1)]\n        if not len(active):"): (
            "active = active[oracle.left(active) >= samples + 1]\n"
            "        if not len(active) or (highest[active] > 0).all():"
        ),
    },
}
