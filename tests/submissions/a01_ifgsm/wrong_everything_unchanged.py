"""The attacks return the images as they are: no point for leaving no trace either."""

EXPECTED = {
    "test_fgsm": 0,
    "test_fgsm_traces": 0,
    "test_ifgsm_steps": 0,
    "test_ifgsm_stopping": 0,
    "test_ifgsm_traces": 0,
    "test_targeted_ifgsm": 0,
    "test_bounded_ifgsm": 0,
}


# %% grade_id: fgsm
def fgsm(model, images, labels, eps, count):
    return images.clone()


# %% grade_id: ifgsm
def ifgsm(model, images, labels, step_size, steps):
    return images.clone()


# %% grade_id: targeted_ifgsm
def targeted_ifgsm(model, images, targets, step_size, steps):
    return images.clone()


# %% grade_id: bounded_ifgsm
def bounded_ifgsm(model, images, labels, eps, step_size, steps):
    return images.clone()
