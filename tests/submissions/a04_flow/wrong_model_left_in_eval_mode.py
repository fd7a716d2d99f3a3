"""The model is put in eval mode and stays there."""

EXPECTED = {"test_flow_attack": 0, "test_flow_attack_traces": 0}
REPLACE = {
    "flow_attack": {"    field = velocity": "    model.eval()\n    field = velocity"},
}
