"""`backward` is told to fill the gradient of the patch, and of nothing else."""

EXPECTED = {}
REPLACE = {
    "patch_step": {
        "    (g,) = torch.autograd.grad(loss, p)\n": "    loss.backward(inputs=[p])\n    g = p.grad\n",
    },
}
