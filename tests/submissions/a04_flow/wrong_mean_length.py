"""The mean length is scaled to the limit."""

EXPECTED = {"test_flow_attack": 0}


# %% grade_id: flow_attack
def flow_attack(model, images, labels, gamma, max_displacement):
    field = fast_field(motion_gradient(model, images, labels), gamma, 1.0)
    length = field.norm(dim=1).mean((1, 2)).view(-1, 1, 1, 1)
    return warp(images.detach(), torch.where(length > 0, max_displacement * field / length, 0), 1.0)
