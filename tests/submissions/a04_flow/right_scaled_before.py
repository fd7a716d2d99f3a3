"""The gradient is scaled before the field is solved for, so that tiny ones survive, and with another alpha."""

EXPECTED = {}


# %% grade_id: flow_attack
def flow_attack(model, images, labels, gamma, max_displacement, alpha=7.0):
    before = model.training
    d = motion_gradient(model, images, labels)
    d = d / d.abs().amax((1, 2, 3), keepdim=True).clamp(min=torch.finfo(d.dtype).tiny)
    field = fast_field(d, gamma, alpha)
    longest = torch.hypot(field[:, 0], field[:, 1]).flatten(1).max(1).values
    factor = torch.nan_to_num(max_displacement / longest, posinf=0.0)
    model.train(before)
    return warp(images, factor[:, None, None, None] * field, 1).clamp(0, 1).detach()
