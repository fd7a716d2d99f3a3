"""The sign is chosen between plus and minus one: pixels whose gradient is zero move too."""

EXPECTED = {"test_attack_through": 0}
REPLACE = {
    "attack_through": {
        "slope.sign()": "torch.where(slope > 0, 1.0, -1.0).to(slope)",
    },
}
