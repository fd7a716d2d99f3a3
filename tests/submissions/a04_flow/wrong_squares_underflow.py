"""The squares of a short field are zero in float32, and so is the root of their mean."""

EXPECTED = {"test_flow_attack_flat": 0}
REPLACE = {
    "flow_attack": {"torch.where(largest > 0, field / largest, 0)": "field"},
}
