"""The larger component is scaled to the limit, not the length of the vector."""

EXPECTED = {"test_flow_attack": 0}


# %% grade_id: flow_attack
def flow_attack(model, images, labels, gamma, max_displacement):
    field = fast_field(motion_gradient(model, images, labels), gamma, 1.0)
    largest = field.abs().amax((1, 2, 3), keepdim=True)
    return warp(images.detach(), torch.where(largest > 0, max_displacement * field / largest, 0), 1.0)
