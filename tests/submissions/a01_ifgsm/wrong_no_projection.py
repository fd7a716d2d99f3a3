"""The bounded attack clamps to [0, 1] but never looks at eps."""

EXPECTED = {"test_bounded_ifgsm": 0}


# %% grade_id: bounded_ifgsm
def bounded_ifgsm(model, images, labels, eps, step_size, steps):
    return ifgsm(model, images, labels, step_size, steps)
