"""A field of zeros is divided by its length."""

EXPECTED = {"test_flow_attack_flat": 0}
REPLACE = {
    "flow_attack": {
        "torch.where(largest > 0, field / largest, 0)": "field / largest",
        "torch.where(spread > 0, shape / spread, 0)": "shape / spread",
    },
}
