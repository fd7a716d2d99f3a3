"""The mean is over pixels and components."""

EXPECTED = {"test_flow_attack": 0}
REPLACE = {
    "flow_attack": {
        (
            "shape.square().sum(1, keepdim=True).mean((2, 3), keepdim=True)"
        ): "shape.square().mean((1, 2, 3), keepdim=True)"
    },
}
