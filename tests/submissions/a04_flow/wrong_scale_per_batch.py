"""One scale for the whole batch."""

EXPECTED = {"test_flow_attack": 0}
REPLACE = {
    "flow_attack": {".mean((2, 3), keepdim=True)": ".mean()", "amax((1, 2, 3), keepdim=True)": "max()"},
}
