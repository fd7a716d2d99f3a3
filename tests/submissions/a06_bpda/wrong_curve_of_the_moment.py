"""The curve falls again where an image recovers."""

EXPECTED = {"test_attack_best": 0}
REPLACE = {
    "attack_through": {
        "ever |= fooled": "ever = fooled",
    },
}
