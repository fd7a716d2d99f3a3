"""The result keeps its graph."""

EXPECTED = {"test_leak": 0}
REPLACE = {
    "leak": {
        ("torch.autograd.grad(scores.sum(), x, retain_graph=True)"): (
            "torch.autograd.grad(scores.sum(), x, create_graph=True)"
        ),
    },
}
