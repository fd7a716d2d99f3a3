"""backward() for one class after the other without clearing the gradient of the image: sums of gradients."""

EXPECTED = {"test_deepfool_step": 0}
REPLACE = {
    "deepfool_step": {
        "    gradients = [torch.autograd.grad(column.sum(), x, retain_graph=True)[0] for": (
            "    def summed(column):\n"
            "        column.sum().backward(inputs=[x], retain_graph=True)\n"
            "        return x.grad.clone()\n\n"
            "    gradients = [summed(column) for"
        )
    }
}
