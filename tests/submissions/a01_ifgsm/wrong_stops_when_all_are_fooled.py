"""The loop goes on with every image until the last one is fooled."""

EXPECTED = {"test_ifgsm_stopping": 0}


# %% grade_id: ifgsm
def ifgsm(model, images, labels, step_size, steps):
    x = images.detach().clone()
    for _ in range(steps):
        if (model(x).argmax(1) != labels).all():
            break
        x = fgsm(model, x, labels, step_size)
    return x
