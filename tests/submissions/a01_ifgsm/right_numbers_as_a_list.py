"""The metrics come as a tensor of one element and a list of floats."""

EXPECTED = {}


# %% grade_id: success_rate
def success_rate(model, images, adversarial, labels):
    attacked = model(images).argmax(1) == labels
    return (model(adversarial[attacked]).argmax(1) != labels[attacked]).double().mean()


# %% grade_id: normalized_l2
def normalized_l2(images, adversarial):
    return [((a - x).norm() / x.norm()).item() for x, a in zip(images, adversarial)]
