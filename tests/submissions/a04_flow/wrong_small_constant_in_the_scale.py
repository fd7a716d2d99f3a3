"""A small constant keeps the length from being zero, and spoils the images whose field is short."""

EXPECTED = {"test_flow_attack_flat": 0}
REPLACE = {"flow_attack": {"torch.where(longest > 0, field / longest, 0)": "field / (longest + 1e-8)"}}
