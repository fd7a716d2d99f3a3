"""The transforms are drawn once, before the first step."""

EXPECTED = {"test_eot_attack": 0}


# %% grade_id: eot_attack
def eot_attack(model, images, targets, draw, eps, step_size, steps):
    x = images.clone()
    transforms = draw()
    for _ in range(steps):
        x = x + step_size * eot_gradient(model, x, targets, transforms).sign()
        x = torch.clamp(images + torch.clamp(x - images, -eps, eps), 0, 1)
    return x
