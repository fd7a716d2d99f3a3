"""The gradients that the parameters held are cleared."""

EXPECTED = {"test_patch_step_traces": 0}
REPLACE = {
    "patch_step": {
        "    (g,) = torch.autograd.grad(loss, p)\n": "    loss.backward()\n    g = p.grad\n    model.zero_grad()\n",
    },
}
