"""What is compared is the cross-entropy of probabilities, as if they were logits."""

EXPECTED = {"test_attack_best": 0}
REPLACE = {
    "attack_through": {
        "F.cross_entropy(logits.double(), labels": "F.cross_entropy(logits.double().softmax(1), labels",
    },
}
