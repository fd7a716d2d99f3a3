"""The label is replaced by the predicted class."""

EXPECTED = {"test_flow_attack": 0, "test_flow_attack_flat": 0}
REPLACE = {
    "flow_attack": {
        "    field = velocity": (
            "    with torch.no_grad():\n        labels = model(images).argmax(1)\n    field = velocity"
        )
    },
}
