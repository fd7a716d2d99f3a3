"""Fooled is worth 1 of loss: too little where there are many classes."""

EXPECTED = {"test_attack_best": 0}
REPLACE = {
    "attack_through": {
        "loss + 1e6": "loss + 1",
    },
}
