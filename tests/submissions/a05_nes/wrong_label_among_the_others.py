"""The label itself is among the classes that are to overtake it."""

EXPECTED = {"test_attack": 0}
REPLACE = {
    "attack_under_budget": {
        "logits.scatter(1, own, -torch.inf).amax(1)": "logits.amax(1)",
    },
}
