"""The gradient of the defended model, which has none."""

EXPECTED = {"test_attack_through": 0, "test_attack_best": 0}
REPLACE = {
    "attack_through": {
        "F.cross_entropy(stand_in(x)": "F.cross_entropy(defended(x)",
    },
}
