"""d is scaled before anything is solved, so that tiny gradients survive; another alpha."""

EXPECTED = {}


# %% grade_id: flow_attack
def flow_attack(model, images, labels, gamma, size, steps, alpha=7.0):
    d = motion_gradient(model, images, labels).double()
    d = d / d.abs().amax((1, 2, 3), keepdim=True).clamp(min=1e-300)
    field = velocity(fast_stream(stream_gradient(d), gamma, alpha))
    spread = (field.flatten(1).norm(dim=1) / (images.shape[2] * images.shape[3]) ** 0.5).view(-1, 1, 1, 1)
    factor = torch.where(spread > 0, size / spread, torch.zeros_like(spread))
    return follow(images.detach(), (factor * field).to(images), 1, steps).clamp(0, 1).detach()
