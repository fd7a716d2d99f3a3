"""The model is switched to eval mode and stays there."""

EXPECTED = {"test_motion_gradient_traces": 0, "test_flow_attack_traces": 0}


# %% grade_id: motion_gradient
def motion_gradient(model, images, labels):
    model.eval()
    x = images.detach().clone().requires_grad_()
    (g,) = torch.autograd.grad(F.cross_entropy(model(x), labels, reduction="sum"), x)
    return torch.stack([(g * z).sum(1) for z in image_derivatives(images.detach())], 1)


# %% grade_id: flow_attack
def flow_attack(model, images, labels, gamma, max_displacement):
    model.eval()
    field = fast_field(motion_gradient(model, images, labels), gamma, 1.0)
    longest = field.norm(dim=1).amax((1, 2)).view(-1, 1, 1, 1)
    return warp(images.detach(), torch.where(longest > 0, max_displacement * field / longest, 0), 1.0)
