"""The memory as a list of all estimates; the bounds as two tensors."""

EXPECTED = {}


# %% grade_id: eot_attack
def eot_attack(model, images, targets, draw, eps, step_size, steps, margin, memory):
    low, high = (images.detach() - eps).clamp(min=0), (images.detach() + eps).clamp(max=1)
    x, seen = images.detach().clone(), []
    while len(seen) < steps:
        seen = [memory * g for g in seen] + [eot_gradient(model, x, targets, draw(), margin)]
        x = torch.clamp(x + step_size * torch.sign(torch.stack(seen).sum(0)), low, high)
    return x
