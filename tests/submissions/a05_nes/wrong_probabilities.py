"""The lead is taken of probabilities."""

EXPECTED = {"test_attack": 0}
REPLACE = {
    "attack_under_budget": {
        "logits, own = oracle(points, rows), labels": "logits, own = oracle(points, rows).softmax(1), labels",
    },
}
