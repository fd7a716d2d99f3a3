"""The loss has no graph to the weights."""

EXPECTED = {"test_min_max_loss": 0}
REPLACE = {
    "min_max_loss": {
        "    return F.cross_entropy(model(moved), labels)": (
            "    return F.cross_entropy(model(moved), labels).detach()"
        )
    }
}
