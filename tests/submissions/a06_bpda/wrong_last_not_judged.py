"""The last iterate is made but not judged."""

EXPECTED = {"test_attack_through": 0, "test_attack_best": 0}
REPLACE = {
    "attack_through": {
        "for k in range(steps + 1):": "for k in range(steps):",
        "return best, torch": "curve = curve + [ever.double().mean()]\n    return best, torch",
    },
}
