"""The mean length is scaled to the size."""

EXPECTED = {"test_flow_attack": 0}
REPLACE = {
    "flow_attack": {
        ("shape.square().sum(1, keepdim=True).mean((2, 3), keepdim=True).sqrt()"): (
            "shape.norm(dim=1, keepdim=True).mean((2, 3), keepdim=True)"
        )
    },
}
