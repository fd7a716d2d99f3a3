"""The metrics come as a tensor of one element and a list of floats."""

EXPECTED = {}


# %% grade_id: success_rate
def success_rate(model, images, adversarial, labels):
    attacked = model(images).argmax(1) == labels
    return (model(adversarial[attacked]).argmax(1) != labels[attacked]).double().mean()


# %% grade_id: normalized_l2
def normalized_l2(images, adversarial):
    found = []
    for x, a in zip(images, adversarial):
        content = torch.stack([colour - colour.mean() for colour in x])
        found.append(((a - x).norm() / content.norm()).item())
    return found
