"""Where the estimate is zero, one is added to every entry of the momentum."""

EXPECTED = {"test_attack_traces": 0}
REPLACE = {
    "attack_under_budget": {
        "torch.where(length > 0, found / length, 0)": "torch.where(length > 0, found / length, 1)",
    },
}
