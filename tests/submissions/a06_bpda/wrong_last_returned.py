"""The last iterate comes back."""

EXPECTED = {"test_attack_best": 0}
REPLACE = {
    "attack_through": {
        "    return best,": "    return x.detach(),",
    },
}
