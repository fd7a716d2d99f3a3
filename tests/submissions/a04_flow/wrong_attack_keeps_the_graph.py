"""The images' graph is kept."""

EXPECTED = {"test_flow_attack": 0, "test_flow_attack_traces": 0}
REPLACE = {
    "flow_attack": {"images.detach()": "images.clone().requires_grad_()"},
}
