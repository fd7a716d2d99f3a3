"""The overshoot is applied at every step to everything so far, so it is compounded."""

EXPECTED = {"test_deepfool": 0}


# %% grade_id: deepfool
def deepfool(model, images, steps, overshoot):
    with torch.no_grad():
        first = model(images).argmax(1)
    x = images.clone()
    for _ in range(steps):
        active = (model(x).argmax(1) == first).view(-1, 1, 1, 1)
        step = deepfool_step(model, x)
        x = torch.where(active, images + (1 + overshoot) * (x + step - images), x)
    changed = model(x).argmax(1) != first
    return torch.where(changed.view(-1, 1, 1, 1), x, images)
