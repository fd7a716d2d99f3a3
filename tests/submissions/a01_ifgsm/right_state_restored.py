"""Switches the parameters' gradients off for the attack, and restores them."""

EXPECTED = {}


# %% grade_id: fgsm
import contextlib


@contextlib.contextmanager
def frozen(model):
    before = [p.requires_grad for p in model.parameters()]
    model.requires_grad_(False)
    try:
        yield
    finally:
        for parameter, required in zip(model.parameters(), before):
            parameter.requires_grad_(required)


def fgsm(model, images, labels, eps, count):
    with frozen(model):
        delta = torch.zeros_like(images, requires_grad=True)
        (-torch.log_softmax(model(images + delta), 1).gather(1, labels[:, None])).sum().backward()
    room = torch.where(delta.grad > 0, 1 - images, images).clamp(max=eps)
    worth = (room * delta.grad.abs()).sum((1,), keepdim=True)
    worst = worth.flatten(1).sort(dim=1).values
    size = worst.shape[1]
    enough = worst[:, size - count] if count else worst[:, -1] + 1
    chosen = worth >= enough.view(-1, 1, 1, 1)
    return torch.where(chosen, images + delta.grad.sign() * room, images)


# %% grade_id: ifgsm
def ifgsm(model, images, labels, step_size, steps):
    x = images.clone()
    done = model(images).argmax(1).detach() != labels
    k = 0
    while k < steps and not done.all():
        x[~done] = fgsm(model, x[~done], labels[~done], step_size, x[0, 0].numel())
        done = model(x).argmax(1).detach() != labels
        k += 1
    return x


# %% grade_id: bounded_ifgsm
def bounded_ifgsm(model, images, labels, eps, step_size, steps):
    x = images.clone()
    for _ in range(steps):
        x = project(ifgsm(model, x, labels, step_size, 1), images, eps)
    return x
