"""The highest loss comes back, fooled or not."""

EXPECTED = {"test_attack_best": 0}
REPLACE = {
    "attack_through": {
        "torch.where(fooled, loss + 1e6, loss)": "loss",
    },
}
