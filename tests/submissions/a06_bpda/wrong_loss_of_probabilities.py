"""A softmax before the cross-entropy, which has one."""

EXPECTED = {"test_attack_through": 0}
REPLACE = {
    "attack_through": {
        "F.cross_entropy(stand_in(x)": "F.cross_entropy(stand_in(x).softmax(1)",
    },
}
