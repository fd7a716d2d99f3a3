"""The attack takes one step."""

EXPECTED = {"test_flow_attack": 0}
REPLACE = {
    "flow_attack": {"1.0, steps)": "1.0, 1)"},
}
