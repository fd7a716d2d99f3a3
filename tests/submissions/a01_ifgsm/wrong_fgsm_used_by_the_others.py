"""The sign of FGSM is flipped, and the other attacks are built on it: only FGSM itself loses points."""

EXPECTED = {"test_fgsm": 0}
REPLACE = {"fgsm": {"x.detach() + eps": "x.detach() - eps"}}


# %% grade_id: ifgsm
def ifgsm(model, images, labels, step_size, steps):
    x = images.clone()
    for _ in range(steps):
        going = (model(x).argmax(1) == labels).view(-1, 1, 1, 1)
        x = torch.where(going, fgsm(model, x, labels, step_size, x[0, 0].numel()), x)
    return x


# %% grade_id: targeted_ifgsm
def targeted_ifgsm(model, images, targets, step_size, steps):
    x = images.clone()
    for _ in range(steps):
        going = (model(x).argmax(1) != targets).view(-1, 1, 1, 1)
        x = torch.where(going, fgsm(model, x, targets, -step_size, x[0, 0].numel()), x)
    return x


# %% grade_id: bounded_ifgsm
def bounded_ifgsm(model, images, labels, eps, step_size, steps):
    x = images.clone()
    for _ in range(steps):
        x = project(ifgsm(model, x, labels, step_size, 1), images, eps)
    return x
