"""The gradient is taken in eval mode, which is restored."""

EXPECTED = {"test_flow_attack": 0}
REPLACE = {
    "flow_attack": {
        "    field = velocity": ("    before = model.training\n    model.eval()\n    field = velocity"),
        "    largest": "    model.train(before)\n    largest",
    },
}
