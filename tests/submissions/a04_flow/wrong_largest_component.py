"""The larger component is scaled to the limit, not the length of the vector."""

EXPECTED = {"test_flow_attack": 0}
REPLACE = {"flow_attack": {"field.norm(dim=1).amax((1, 2))": "field.abs().amax((1, 2, 3))"}}
