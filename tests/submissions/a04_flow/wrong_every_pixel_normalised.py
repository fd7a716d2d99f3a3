"""Every pixel moves by the size."""

EXPECTED = {"test_flow_attack": 0}
REPLACE = {
    "flow_attack": {".mean((2, 3), keepdim=True)": ""},
}
