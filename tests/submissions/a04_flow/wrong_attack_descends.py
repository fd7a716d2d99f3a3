"""The field is turned round."""

EXPECTED = {"test_flow_attack": 0}
REPLACE = {
    "flow_attack": {"size * torch.where": "-size * torch.where"},
}
