"""One comparison for the whole batch, by its mean loss."""

EXPECTED = {"test_attack_best": 0}
REPLACE = {
    "attack_through": {
        "better = strength > strongest": "better = (strength.mean() > strongest.mean()).expand(len(images))",
        "torch.maximum(strength, strongest)": "torch.where(better, strength, strongest)",
    },
}
