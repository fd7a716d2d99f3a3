"""The authors' mean, over the images that have changed."""

EXPECTED = {"test_rho_adv": 0}


# %% grade_id: rho_adv
def rho(model, images, adversarial, share):
    changed = model(images).argmax(1) != model(adversarial).argmax(1)
    ratios = (adversarial - images).flatten(1).norm(dim=1) / images.flatten(1).norm(dim=1)
    return ratios[changed].mean().item()
