"""One scale for the whole batch."""

EXPECTED = {"test_flow_attack": 0}
REPLACE = {"flow_attack": {"field.norm(dim=1).amax((1, 2)).view(-1, 1, 1, 1)": "field.norm(dim=1).max()"}}
