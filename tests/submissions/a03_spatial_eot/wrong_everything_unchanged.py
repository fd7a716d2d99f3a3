"""The functions return zeros, or the images as they are."""

EXPECTED = {
    "test_shift": 0,
    "test_slant": 0,
    "test_grid_search": 0,
    "test_grid_search_cost": 0,
    "test_grid_search_traces": 0,
    "test_eot_gradient": 0,
    "test_eot_gradient_traces": 0,
    "test_eot_attack": 0,
    "test_eot_attack_budget": 0,
    "test_noise_ratio": 0,
    "test_survival": 0,
}


# %% grade_id: slant_translate
def slant_translate(images, transforms):
    return images.clone()


# %% grade_id: grid_search
def grid_search(model, images, labels, transforms):
    return images.clone(), torch.zeros(len(images)).long()


# %% grade_id: eot_gradient
def eot_gradient(model, images, targets, transforms, margin):
    return torch.zeros_like(images)


# %% grade_id: eot_attack
def eot_attack(model, images, targets, draw, eps, step_size, steps, margin, memory):
    return images.clone()


# %% grade_id: noise_ratio
def noise_ratio(estimates):
    return torch.zeros(estimates.shape[1], dtype=estimates.dtype)


# %% grade_id: survival
def survival(model, adversarial, targets, transforms):
    return 0.0, 0.0
