"""Every pixel's displacement is scaled to the limit by itself."""

EXPECTED = {"test_flow_attack": 0}


# %% grade_id: flow_attack
def flow_attack(model, images, labels, gamma, max_displacement):
    field = fast_field(motion_gradient(model, images, labels), gamma, 1.0)
    lengths = field.norm(dim=1, keepdim=True)
    directions = field / torch.where(lengths > 0, lengths, 1)
    return warp(images.detach(), max_displacement * directions, 1.0)
