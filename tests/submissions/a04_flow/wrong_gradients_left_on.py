"""requires_grad_ on the caller's images, backward through everything; the attack does it too."""

EXPECTED = {"test_motion_gradient_traces": 0, "test_flow_attack_traces": 0}


# %% grade_id: motion_gradient
def motion_gradient(model, images, labels):
    images.requires_grad_()
    F.cross_entropy(model(images), labels, reduction="sum").backward()
    return torch.stack([(images.grad * z).sum(1) for z in image_derivatives(images.detach())], 1)


# %% grade_id: flow_attack
def flow_attack(model, images, labels, gamma, max_displacement):
    images.requires_grad_()
    images.grad = None
    F.cross_entropy(model(images), labels, reduction="sum").backward()
    d = torch.stack([(images.grad * z).sum(1) for z in image_derivatives(images.detach())], 1)
    field = fast_field(d, gamma, 1.0)
    longest = field.norm(dim=1).amax((1, 2)).view(-1, 1, 1, 1)
    return warp(images.detach(), torch.where(longest > 0, max_displacement * field / longest, 0), 1.0)
