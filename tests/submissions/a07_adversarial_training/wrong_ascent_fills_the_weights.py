"""backward() leaves gradients in the weights."""

EXPECTED = {"test_ascend": 0}
REPLACE = {"ascend": {"        (g,) = torch.autograd.grad(loss, x)": "        loss.backward()\n        g = x.grad"}}
