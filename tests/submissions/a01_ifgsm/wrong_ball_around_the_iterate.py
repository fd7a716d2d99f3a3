"""The ball is drawn around the iterate before the step, so the attack walks away from the image."""

EXPECTED = {"test_bounded_ifgsm": 0}


# %% grade_id: bounded_ifgsm
def bounded_ifgsm(model, images, labels, eps, step_size, steps):
    adversarial = images.clone()
    for _ in range(steps):
        stepped = ifgsm(model, adversarial, labels, step_size, 1)
        adversarial = project(stepped, adversarial, eps)
    return adversarial
