"""One scale for the whole batch."""

EXPECTED = {"test_flow_attack": 0}


# %% grade_id: flow_attack
def flow_attack(model, images, labels, gamma, max_displacement):
    field = fast_field(motion_gradient(model, images, labels), gamma, 1.0)
    longest = field.norm(dim=1).max()
    return warp(images.detach(), field if longest == 0 else max_displacement * field / longest, 1.0)
