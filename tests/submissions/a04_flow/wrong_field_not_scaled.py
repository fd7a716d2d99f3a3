"""The field is multiplied by the size only."""

EXPECTED = {"test_flow_attack": 0, "test_flow_attack_flat": 0}
REPLACE = {
    "flow_attack": {"size * torch.where(spread > 0, shape / spread, 0)": "size * field"},
}
