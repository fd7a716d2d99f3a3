"""A perturbation is the variable, the parameters are frozen for the while, and backward is called per draw."""

EXPECTED = {}


# %% grade_id: eot_gradient
def eot_gradient(model, images, targets, transforms):
    before = [p.requires_grad for p in model.parameters()]
    model.requires_grad_(False)
    delta = torch.zeros_like(images, requires_grad=True)
    for t in transforms:
        loss = F.nll_loss(F.log_softmax(model(rotate_translate(images + delta, t)), 1), targets, reduction="sum")
        (-loss / len(transforms)).backward()
    for p, required in zip(model.parameters(), before):
        p.requires_grad_(required)
    return delta.grad


# %% grade_id: eot_attack
def eot_attack(model, images, targets, draw, eps, step_size, steps):
    delta = torch.zeros_like(images)
    for _ in range(steps):
        gradient = eot_gradient(model, images + delta, targets, draw())
        delta = (delta + step_size * torch.sign(gradient)).clamp(-eps, eps)
        delta = (images + delta).clamp(0, 1) - images
    return (images + delta).clamp(0, 1)
