"""The models are switched to eval mode."""

EXPECTED = {"test_attack_through": 0, "test_attack_best": 0}
REPLACE = {
    "attack_through": {
        "    strongest =": "    defended.eval(), stand_in.eval()\n    strongest =",
    },
}
