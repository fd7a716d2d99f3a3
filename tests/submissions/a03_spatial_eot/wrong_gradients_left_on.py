"""requires_grad_ on the caller's images, backward through everything."""

EXPECTED = {"test_eot_gradient_traces": 0}
REPLACE = {
    "eot_gradient": {
        "x = images.detach().clone().requires_grad_()": "x = images.requires_grad_()",
        ("gradient += torch.autograd.grad(lead.clamp(max=margin).sum(), x)[0] / len(transforms)"): (
            "x.grad = None\n        lead.clamp(max=margin).sum()"
            ".backward()\n        gradient += x.grad / len(trans"
            "forms)"
        ),
    },
}
