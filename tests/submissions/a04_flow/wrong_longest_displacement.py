"""The longest displacement is scaled to the size, as in the lecture."""

EXPECTED = {"test_flow_attack": 0}
REPLACE = {
    "flow_attack": {".mean((2, 3), keepdim=True)": ".amax((2, 3), keepdim=True)"},
}
