"""Images on which the attack failed are counted too."""

EXPECTED = {"test_rho_adv": 0}


# %% grade_id: rho_adv
def rho_adv(model, images, adversarial):
    r = (adversarial - images).flatten(1)
    x = images.flatten(1)
    return (r.norm(dim=1) / x.norm(dim=1)).mean()
