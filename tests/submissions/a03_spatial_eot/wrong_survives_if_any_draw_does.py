"""An image counts as surviving if it is predicted as its target under one of the draws."""

EXPECTED = {"test_survival": 0}


# %% grade_id: survival
def survival(model, adversarial, targets, transforms):
    hits = torch.stack([model(rotate_translate(adversarial, t)).argmax(1) == targets for t in transforms])
    return hits.any(0).float().mean().item()
