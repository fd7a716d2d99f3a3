"""The context is set up apart, and the slope is that of the smooth staircase by autograd."""

EXPECTED = {}


# %% grade_id: staircase
class Staircase(torch.autograd.Function):
    @staticmethod
    def forward(images, bits, a):
        n = 2**bits - 1
        return torch.floor(images * n + 0.5) / n

    @staticmethod
    def setup_context(ctx, inputs, output):
        images, ctx.bits, ctx.a = inputs
        ctx.save_for_backward(images)

    @staticmethod
    def backward(ctx, gradient):
        (images,) = ctx.saved_tensors
        with torch.enable_grad():
            x = images.detach().requires_grad_()
            u = (2**ctx.bits - 1) * x
            smooth = (u - ctx.a / (2 * torch.pi) * torch.sin(2 * torch.pi * u)) / (2**ctx.bits - 1)
            return torch.autograd.grad(smooth, x, gradient)[0], None, None
