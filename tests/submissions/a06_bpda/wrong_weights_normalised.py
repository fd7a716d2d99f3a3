"""The weights are made to add up to one."""

EXPECTED = {"test_shake": 0}
REPLACE = {
    "shake": {
        "    total = torch.zeros_like(images)": (
            "    weights = weights / weights.sum()\n    total = torch.zeros_like(images)"
        ),
    },
}
