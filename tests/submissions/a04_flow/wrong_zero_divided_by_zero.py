"""A field of zeros is divided by its length."""

EXPECTED = {"test_flow_attack_flat": 0}
REPLACE = {"flow_attack": {"torch.where(longest > 0, field / longest, 0)": "field / longest"}}
