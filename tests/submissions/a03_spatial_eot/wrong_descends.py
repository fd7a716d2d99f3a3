"""A step down: the minus of an untargeted loss, on the log-probability of the target."""

EXPECTED = {"test_eot_attack": 0, "test_eot_attack_budget": 0}


# %% grade_id: eot_attack
def eot_attack(model, images, targets, draw, eps, step_size, steps):
    x = images.clone()
    for _ in range(steps):
        x = x - step_size * eot_gradient(model, x, targets, draw()).sign()
        x = torch.clamp(images + torch.clamp(x - images, -eps, eps), 0, 1)
    return x
