"""FGSM sets requires_grad on the caller's images and returns a graph; I-FGSM fills the parameters' .grad."""

EXPECTED = {"test_fgsm_traces": 0, "test_ifgsm_traces": 0}
REPLACE = {
    "fgsm": {
        "x = images.detach().clone().requires_grad_()": "x = images.requires_grad_()",
        "(x.detach() + eps": "(x + eps",
    },
    "ifgsm": {"(gradient,) = torch.autograd.grad(loss, x)": "loss.backward()\n        gradient = x.grad"},
}
