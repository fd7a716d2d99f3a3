"""backward() fills the .grad of the model's parameters."""

EXPECTED = {"test_eot_gradient_traces": 0}
REPLACE = {
    "eot_gradient": {
        "(gradient,) = torch.autograd.grad(total / n, x)": "(total / n).backward()",
        "return gradient": "return x.grad",
    }
}
