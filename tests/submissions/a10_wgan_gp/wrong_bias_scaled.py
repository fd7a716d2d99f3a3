"""The bias is scaled with the weights."""

EXPECTED = {"test_project": 0}
REPLACE = {
    "project": {
        ("                    layer.weight.mul_(bound / sigma)"): (
            "                    layer.weight.mul_(bound / sigma)\n"
            "                    if layer.bias is not None:\n"
            "                        layer.bias.mul_(bound / sigma)"
        ),
    },
}
