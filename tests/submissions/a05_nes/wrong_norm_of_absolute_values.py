"""The estimate is divided by the sum of its absolute values."""

EXPECTED = {"test_attack": 0}
REPLACE = {
    "attack_under_budget": {
        "norm(dim=1)": "norm(p=1, dim=1)",
    },
}
