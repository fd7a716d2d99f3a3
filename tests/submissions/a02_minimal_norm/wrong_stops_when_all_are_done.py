"""The whole batch goes on until the last image is done."""

EXPECTED = {"test_deepfool": 0}


# %% grade_id: deepfool
def deepfool(model, images, steps, overshoot):
    first = model(images).argmax(1)
    x, total = images.clone(), torch.zeros_like(images)
    for _ in range(steps):
        if (model(x).argmax(1) != first).all():
            break
        total = total + deepfool_step(model, x)
        x = images + (1 + overshoot) * total
    changed = (model(x).argmax(1) != first).view(-1, 1, 1, 1)
    return torch.where(changed, x, images).detach()
