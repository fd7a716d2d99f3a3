"""The loss is computed in eval mode too."""

EXPECTED = {"test_min_max_loss": 0}
REPLACE = {
    "min_max_loss": {
        ".detach()\n    finally": (".detach()\n        return F.cross_entropy(model(moved), labels)\n    finally")
    }
}
