"""The transpose by automatic differentiation."""

EXPECTED = {"test_shake_transpose": 0}


# %% grade_id: shake_transpose
def shake_transpose(gradients, moves, weights):
    x = torch.zeros_like(gradients).requires_grad_()
    return torch.autograd.grad(shake(x, moves, weights), x, gradients)[0]
