"""Switches the parameters' gradients and the mode of the model for the attack, and restores both."""

EXPECTED = {}


# %% grade_id: fgsm
import contextlib


@contextlib.contextmanager
def frozen(model):
    before, mode = [p.requires_grad for p in model.parameters()], model.training
    model.eval().requires_grad_(False)
    try:
        yield
    finally:
        model.train(mode)
        for parameter, required in zip(model.parameters(), before):
            parameter.requires_grad_(required)


def fgsm(model, images, labels, eps):
    with frozen(model):
        delta = torch.zeros_like(images, requires_grad=True)
        (-torch.log_softmax(model(images + delta), 1).gather(1, labels[:, None])).sum().backward()
    return torch.min(torch.max(images + eps * delta.grad.sign(), torch.zeros_like(images)), torch.ones_like(images))


# %% grade_id: ifgsm
def ifgsm(model, images, labels, step_size, steps):
    x = images.clone()
    done = model(images).argmax(1).detach() != labels
    k = 0
    while k < steps and not done.all():
        x[~done] = fgsm(model, x[~done], labels[~done], step_size)
        done = model(x).argmax(1).detach() != labels
        k += 1
    return x


# %% grade_id: bounded_ifgsm
def bounded_ifgsm(model, images, labels, eps, step_size, steps):
    x = images.clone()
    for _ in range(steps):
        x = project(ifgsm(model, x, labels, step_size, 1), images, eps)
    return x
