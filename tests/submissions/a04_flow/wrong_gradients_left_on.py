"""requires_grad_ on the caller's images, backward through everything."""

EXPECTED = {"test_flow_attack_traces": 0}
REPLACE = {
    "flow_attack": {
        "    field = velocity": (
            "    images.requires_grad_()\n    F.cross_entropy(model(images), labels).backward()\n    field = velocity"
        )
    },
}
