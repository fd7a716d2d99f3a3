"""backward() leaves gradients in the weights."""

EXPECTED = {"test_turn": 0}
REPLACE = {
    "turn": {
        "return torch.autograd.grad(loss(model(x), labels).sum(), x, create_graph=True)[0]": (
            "loss(model(x), labels).sum().backward(create_graph=True)\n        return x.grad"
        )
    }
}
