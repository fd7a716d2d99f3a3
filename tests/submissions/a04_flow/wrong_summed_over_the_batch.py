"""One right-hand side for the whole batch, the sum over its images."""

EXPECTED = {"test_motion_gradient": 0}


# %% grade_id: motion_gradient
def motion_gradient(model, images, labels):
    x = images.detach().clone().requires_grad_()
    (g,) = torch.autograd.grad(F.cross_entropy(model(x), labels, reduction="sum"), x)
    d = torch.stack([(g * z).sum(1) for z in image_derivatives(images.detach())], 1)
    return d.sum(0, keepdim=True).expand_as(d).clone()
