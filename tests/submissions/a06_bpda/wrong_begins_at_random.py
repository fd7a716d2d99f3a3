"""A random start, as in PGD."""

EXPECTED = {"test_attack_through": 0, "test_attack_best": 0}
REPLACE = {
    "attack_through": {
        "    strongest =": "    x = (x + eps * (2 * torch.rand_like(x) - 1)).clamp(0, 1)\n    strongest =",
    },
}
