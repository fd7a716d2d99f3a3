"""The mean length is scaled to the limit."""

EXPECTED = {"test_flow_attack": 0}
REPLACE = {"flow_attack": {"amax((1, 2))": "mean((1, 2))"}}
