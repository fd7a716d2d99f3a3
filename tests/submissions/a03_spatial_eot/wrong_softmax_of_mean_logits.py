"""The logits of the draws are averaged first, and one cross-entropy is taken of the average."""

EXPECTED = {"test_eot_gradient": 0}
REPLACE = {
    "eot_gradient": {
        "F.cross_entropy(logits, targets.repeat(n)": "F.cross_entropy(logits.unflatten(0, (n, -1)).mean(0), targets",
        "total / n": "total",
    }
}
