"""A flat score has an estimate of length zero, and it is divided by that."""

EXPECTED = {"test_attack_traces": 0}
REPLACE = {
    "attack_under_budget": {
        "torch.where(length > 0, found / length, 0)": "found / length",
    },
}
