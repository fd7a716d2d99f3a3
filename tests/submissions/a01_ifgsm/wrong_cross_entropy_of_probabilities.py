"""A softmax before the cross-entropy, which has one: with more than two classes the sign is another here and there."""

EXPECTED = {"test_ifgsm_steps": 0}
REPLACE = {
    "ifgsm": {"F.cross_entropy(logits, labels": "F.cross_entropy(logits.softmax(1), labels"},
}
