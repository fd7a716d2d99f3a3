"""Steps along the gradient, not its sign."""

EXPECTED = {"test_attack_through": 0}
REPLACE = {
    "attack_through": {
        "slope.sign()": "slope",
    },
}
