"""backward() is called inside."""

EXPECTED = {"test_mixed_loss": 0}
REPLACE = {"mixed_loss": {"    return (weights": "    losses.sum().backward(retain_graph=True)\n    return (weights"}}
