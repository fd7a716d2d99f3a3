"""The field is not scaled; its components are clipped to the limit. A short one does not move the image."""

EXPECTED = {"test_flow_attack": 0, "test_flow_attack_flat": 0}


# %% grade_id: flow_attack
def flow_attack(model, images, labels, gamma, max_displacement):
    field = fast_field(motion_gradient(model, images, labels), gamma, 1.0)
    return warp(images.detach(), field.clamp(-max_displacement, max_displacement), 1.0)
