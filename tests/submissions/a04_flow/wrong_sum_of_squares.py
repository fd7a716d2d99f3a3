"""The sum of the squares, not their mean."""

EXPECTED = {"test_flow_attack": 0}
REPLACE = {
    "flow_attack": {".mean((2, 3), keepdim=True)": ".sum((2, 3), keepdim=True)"},
}
