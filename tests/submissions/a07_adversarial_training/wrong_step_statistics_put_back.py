"""The running statistics do not learn from the loss's pass."""

EXPECTED = {"test_min_max_loss": 0}
REPLACE = {
    "min_max_loss": {
        "    return F.cross_entropy(model(moved), labels)": (
            "    buffers = [b.clone() for b in model.buffers()]\n    loss = "
            "F.cross_entropy(model(moved), labels)\n    with torch.no_grad():\n        for b, "
            "old in zip(model.buffers(), buffers, strict=True):\n            b.copy_(old)\n    "
            "return loss"
        )
    }
}
