"""The masked logit is a zero, which beats all that are negative: images count as fooled that are not."""

EXPECTED = {"test_attack": 0, "test_attack_budget": 0}
REPLACE = {
    "attack_under_budget": {
        "logits.scatter(1, own, -torch.inf)": "logits.scatter(1, own, 0)",
    },
}
