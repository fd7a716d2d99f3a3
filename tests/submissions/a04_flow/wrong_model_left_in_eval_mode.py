"""The model is switched to eval mode and stays there."""

EXPECTED = {"test_motion_gradient_traces": 0, "test_flow_attack_traces": 0}
REPLACE = {
    "motion_gradient": {"    x = images": "    model.eval()\n    x = images"},
    "flow_attack": {"    field = fast_field": "    model.eval()\n    field = fast_field"},
}
