"""The parameters are frozen while `backward` runs, and are set free again."""

EXPECTED = {}
REPLACE = {
    "patch_step": {
        "    (g,) = torch.autograd.grad(loss, p)\n": "    loss.backward()\n    g = p.grad\n"
        "    for weight, was in zip(model.parameters(), free):\n        weight.requires_grad_(was)\n",
        "    p = patch": "    free = [weight.requires_grad for weight in model.parameters()]\n"
        "    model.requires_grad_(False)\n    p = patch",
    },
}
