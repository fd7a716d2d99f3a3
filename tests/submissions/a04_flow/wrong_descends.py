"""The attack goes along the field backwards."""

EXPECTED = {"test_flow_attack": 0}
REPLACE = {"flow_attack": {"field = fast_field": "field = -fast_field"}}
