"""DeepFool as in its authors" program: the iterate moves by stretched steps, which is the same sum."""

EXPECTED = {}


# %% grade_id: deepfool
def deepfool(model, images, cost, steps, overshoot):
    images = images.detach()
    with torch.no_grad():
        label = model(images).argmax(1)
    each = cost.expand_as(images)
    x, going = images.clone(), torch.ones(len(images), dtype=torch.bool)
    for _ in range(steps):
        with torch.no_grad():
            going = model(x).argmax(1) == label
        if not going.any():
            break
        x[going] += (1 + overshoot) * deepfool_step(model, x[going], each[going])
    with torch.no_grad():
        failed = model(x).argmax(1) == label
    x[failed] = images[failed]
    return x
