"""Each half has its own mean."""

EXPECTED = {"test_mixed_loss": 0}
REPLACE = {
    "mixed_loss": {
        "(weights * losses).sum() / len(images)": (
            "sum(h.mean() for h in (weights * losses).split([len(images), len(losses) - len(images)]) if len(h))"
        )
    }
}
