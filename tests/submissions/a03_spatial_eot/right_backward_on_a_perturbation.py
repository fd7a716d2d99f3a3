"""backward on a perturbation that is added to the images, parameters switched off."""

EXPECTED = {}


# %% grade_id: eot_gradient
def eot_gradient(model, images, targets, transforms, margin):
    delta = torch.zeros_like(images, requires_grad=True)
    kept = [(p, p.requires_grad) for p in model.parameters()]
    for p, _ in kept:
        p.requires_grad_(False)
    for t in transforms:
        z = model(slant_translate(images.detach() + delta, t))
        others = z.clone()
        others[torch.arange(len(z)), targets] = -1e30
        lead = z[torch.arange(len(z)), targets] - others.max(dim=1).values
        (-F.relu(margin - lead)).sum().backward()
    for p, required in kept:
        p.requires_grad_(required)
    return (delta.grad / len(transforms)).clone()
