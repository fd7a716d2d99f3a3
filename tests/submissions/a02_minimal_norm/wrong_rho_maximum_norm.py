"""The largest change of a pixel in the place of the Euclidean norm."""

EXPECTED = {"test_rho_adv": 0}


# %% grade_id: rho_adv
def rho_adv(model, images, adversarial):
    changed = model(images).argmax(1) != model(adversarial).argmax(1)
    r = (adversarial - images).flatten(1)
    x = images.flatten(1)
    return (r.abs().amax(1) / x.abs().amax(1))[changed].mean().item()
