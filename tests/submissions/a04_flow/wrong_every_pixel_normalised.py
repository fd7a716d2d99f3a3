"""Every pixel's displacement is scaled to the limit by itself."""

EXPECTED = {"test_flow_attack": 0}


# %% grade_id: flow_attack
def flow_attack(model, images, labels, gamma, max_displacement):
    field = fast_field(motion_gradient(model, images, labels), gamma, 1.0)
    return warp(images.detach(), max_displacement * F.normalize(field, dim=1), 1.0)
