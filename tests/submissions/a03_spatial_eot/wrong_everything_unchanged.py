"""The functions return what they were given."""

EXPECTED = {
    "test_shift": 0,
    "test_rotate": 0,
    "test_grid_search": 0,
    "test_grid_search_cost": 0,
    "test_grid_search_traces": 0,
    "test_eot_gradient": 0,
    "test_eot_gradient_traces": 0,
    "test_eot_attack": 0,
    "test_eot_attack_budget": 0,
}


# %% grade_id: rotate_translate
def rotate_translate(images, transforms):
    return images.clone()


# %% grade_id: grid_search
def grid_search(model, images, labels, transforms):
    return images.clone(), torch.zeros(len(images), dtype=torch.int64)


# %% grade_id: eot_gradient
def eot_gradient(model, images, targets, transforms):
    return torch.zeros_like(images)


# %% grade_id: eot_attack
def eot_attack(model, images, targets, draw, eps, step_size, steps):
    return images.clone()
