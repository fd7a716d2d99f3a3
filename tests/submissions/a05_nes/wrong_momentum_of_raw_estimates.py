"""The momentum adds estimates up as they are."""

EXPECTED = {"test_attack": 0}
REPLACE = {
    "attack_under_budget": {
        "torch.where(length > 0, found / length, 0)": "found",
    },
}
