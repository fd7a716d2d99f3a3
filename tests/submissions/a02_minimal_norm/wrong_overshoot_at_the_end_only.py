"""As in the paper: the loop runs without overshoot, the sum is stretched at the end."""

EXPECTED = {"test_deepfool": 0}


# %% grade_id: deepfool
def deepfool(model, images, steps, overshoot):
    with torch.no_grad():
        first = model(images).argmax(1)
    x, total = images.clone(), torch.zeros_like(images)
    for _ in range(steps):
        active = (model(x).argmax(1) == first).view(-1, 1, 1, 1)
        total = total + deepfool_step(model, x) * active
        x = images + total
    x = images + (1 + overshoot) * total
    changed = model(x).argmax(1) != first
    return torch.where(changed.view(-1, 1, 1, 1), x, images)
