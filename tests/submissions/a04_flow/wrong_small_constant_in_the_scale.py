"""A small constant keeps the size from being zero, and spoils short fields."""

EXPECTED = {"test_flow_attack": 0, "test_flow_attack_flat": 0}
REPLACE = {
    "flow_attack": {
        "torch.where(largest > 0, field / largest, 0)": "field",
        "torch.where(spread > 0, shape / spread, 0)": "shape / (spread + 1e-8)",
    },
}
