"""A context manager of one's own around the attack; gradients stay out of reach meanwhile."""

EXPECTED = {}


# %% grade_id: min_max_loss
from contextlib import contextmanager


@contextmanager
def as_it_is_used(model):
    modules, weights = list(model.modules()), list(model.parameters())
    training, grads = [m.training for m in modules], [p.grad for p in weights]
    for p in weights:
        p.grad = None
    try:
        yield model.eval()
    finally:
        for m, flag in zip(modules, training, strict=True):
            m.training = flag
        for p, grad in zip(weights, grads, strict=True):
            p.grad = grad


def min_max_loss(model, images, labels, attack):
    with as_it_is_used(model):
        moved = attack(model, images, labels)
    return F.nll_loss(F.log_softmax(model(moved.detach().clone()), 1), labels)


# %% grade_id: shares
def shares(momentum, steps):
    old = (1 - momentum) ** (steps + 1)
    attack = sum(momentum * (1 - momentum) ** (1 + j) for j in range(steps))
    return [old, attack, 1 - old - attack]
