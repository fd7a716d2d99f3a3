"""A small constant keeps the length from being zero, and spoils the images whose field is short."""

EXPECTED = {"test_flow_attack_flat": 0}


# %% grade_id: flow_attack
def flow_attack(model, images, labels, gamma, max_displacement):
    field = fast_field(motion_gradient(model, images, labels), gamma, 1.0)
    longest = field.norm(dim=1).amax((1, 2)).view(-1, 1, 1, 1)
    return warp(images.detach(), max_displacement / (longest + 1e-8) * field, 1.0)
