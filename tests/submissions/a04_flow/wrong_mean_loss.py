"""The gradient of the mean loss over the batch. The attack, which scales, pays nothing."""

EXPECTED = {"test_motion_gradient": 0}


# %% grade_id: motion_gradient
def motion_gradient(model, images, labels):
    x = images.detach().clone().requires_grad_()
    (g,) = torch.autograd.grad(F.cross_entropy(model(x), labels), x)
    return torch.stack([(g * z).sum(1) for z in image_derivatives(images.detach())], 1)
