"""The iterate is projected once, after the last step; the box is kept on the way."""

EXPECTED = {"test_eot_attack_budget": 0}


# %% grade_id: eot_attack
def eot_attack(model, images, targets, draw, eps, step_size, steps):
    x = images.clone()
    for _ in range(steps):
        x = (x + step_size * eot_gradient(model, x, targets, draw()).sign()).clamp(0, 1)
    return torch.clamp(images + torch.clamp(x - images, -eps, eps), 0, 1)
