"""The attack is projected once, after the loop."""

EXPECTED = {"test_bounded_ifgsm": 0}


# %% grade_id: bounded_ifgsm
def bounded_ifgsm(model, images, labels, eps, step_size, steps):
    return project(ifgsm(model, images, labels, step_size, steps), images, eps)
