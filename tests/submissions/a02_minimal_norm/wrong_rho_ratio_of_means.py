"""The mean perturbation divided by the mean image: a ratio of means."""

EXPECTED = {"test_rho_adv": 0}


# %% grade_id: rho_adv
def rho_adv(model, images, adversarial):
    changed = model(images).argmax(1) != model(adversarial).argmax(1)
    r = (adversarial - images).flatten(1)
    x = images.flatten(1)
    return r[changed].norm(dim=1).mean() / x[changed].norm(dim=1).mean()
