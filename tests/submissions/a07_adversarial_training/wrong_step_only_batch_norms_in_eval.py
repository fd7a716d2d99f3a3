"""Only batch normalisations are switched to eval mode."""

EXPECTED = {"test_min_max_loss": 0}
REPLACE = {
    "min_max_loss": {
        "    model.eval()\n": (
            '    for module in model.modules():\n        if "BatchNorm" in '
            "type(module).__name__:\n            module.eval()\n"
        )
    }
}
