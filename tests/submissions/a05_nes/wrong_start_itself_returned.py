"""With one query the starts themselves come back, no new data."""

EXPECTED = {"test_shrink": 0}
REPLACE = {
    "shrink": {
        "    return images + way.clamp(-reach, reach), torch": (
            "    if queries == 1:\n        return starts, torch.where(begun, high, torch.inf)\n"
            "    return images + way.clamp(-reach, reach), torch"
        ),
    },
}
