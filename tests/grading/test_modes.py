"""What the checks of a training step's modes say, of what its running means are made, and that right ones pass."""

import copy

import pytest
import torch
import torch.nn.functional as F

from advcourse.grading import averages, drawn, modes
from tests.support.refusals import says

X, LABELS = drawn.images_of((4, 1, 3, 2), 1), drawn.labels_of(4)


def network(*frozen, dtype=torch.float64):
    made = drawn.with_batch_norms((1, 3, 2), dtype=dtype).train()
    for place in frozen:
        made[place].eval()
    return made


def step(
    switch=lambda model: model.eval(),
    restore=lambda model, was: [setattr(m, "training", mode) for m, mode in was],
    grads=True,
    fitted=lambda model, x, y: F.cross_entropy(model(x), y),
    caught=(),
):
    def min_max_loss(model, images, labels, attack):
        was = [(m, m.training) for m in model.modules()]
        kept = [(p, p.grad) for p in model.parameters()]
        for p, _ in kept if grads else ():
            p.grad = None
        switch(model)
        try:
            moved = attack(model, images, labels).detach()
        except caught:
            moved = images
        finally:
            restore(model, was)
            for p, grad in kept:
                p.grad = grad
        return fitted(model, moved, labels)

    return min_max_loss


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("frozen", [(), (1,), (0, 5, 6)])
def test_right_steps_pass(dtype, frozen):
    modes.fits(step(), network(*frozen, dtype=dtype), X.to(dtype), LABELS)
    modes.breaks_off(step(), network(*frozen, dtype=dtype), X.to(dtype), LABELS)


@pytest.mark.parametrize(
    "changed, pattern",
    [
        ({"fitted": lambda m, x, y: 0 * m[0].weight.sum()}, "does not run the network"),
        ({"switch": lambda model: None}, "inside the attack the network is in train mode"),
        ({"switch": lambda model: model[1].eval()}, "inside the attack the network is in train mode"),
        ({"restore": lambda model, was: None}, "left in eval mode"),
        ({"restore": lambda model, was: model.train()}, r"BatchNorm2d \(1\) was in eval mode \(frozen\)"),
        ({"grads": False}, "adds in place"),
        ({"fitted": lambda m, x, y: F.cross_entropy(m(x), y, reduction="sum")}, "the sum over the images"),
        (
            {"fitted": lambda m, x, y: F.cross_entropy(copy.deepcopy(m)(x), y)},
            "has not moved: the pass of the loss should move it",
        ),
        ({"fitted": lambda m, x, y: F.cross_entropy(m(x), y) + 0 * m(x).sum()}, "go through the network once"),
        ({"fitted": lambda m, x, y: 1.01 * F.cross_entropy(m(x), y)}, r"gives .*, expected"),
        ({"fitted": lambda m, x, y: F.cross_entropy(m(x).detach() + 0 * m[0].weight.sum(), y)}, "is not"),
    ],
)
def test_what_is_said_of_a_step(changed, pattern):
    with says(pattern):
        modes.fits(step(**changed), network(1), X, LABELS)


def test_what_is_said_after_an_error():
    with says("nobody learned of it"):
        modes.breaks_off(step(caught=ArithmeticError), network(), X, LABELS)

    def careless(model, images, labels, attack):
        model.eval()
        return attack(model, images, labels)

    with says(r"where the attack raises an error \(try"):
        modes.breaks_off(careless, network(), X, LABELS)


@pytest.mark.parametrize("momentum, steps", [(0.1, 1), (0.3, 4), (1.0, 2), (0.25, 0)])
def test_shares_are_those_of_a_batch_normalisation(momentum, steps):
    layer, parts = torch.nn.BatchNorm1d(3, momentum=momentum).double(), torch.eye(3, dtype=torch.float64)
    layer.running_mean.copy_(parts[0])
    for part in [parts[1]] * steps + [parts[2]]:
        layer(part.expand(2, 3))

    def shares(m, k):
        return layer.running_mean.tolist()

    averages.made_of(shares, momentum, steps)
    with says("expected 1"):
        averages.made_of(lambda m, k: (0.5, 0.6, 0.7), momentum, steps)


def test_rounding_is_allowed_where_a_tensor_is_of_single_precision():
    def off(m, k):
        return torch.tensor([(1 - m) ** (k + 1) + 1e-7, (1 - m) * (1 - (1 - m) ** k), m], dtype=torch.float64)

    averages.made_of(lambda m, k: off(m, k).float(), 0.3, 2)
    for exact in (off, lambda m, k: off(m, k).numpy(), lambda m, k: off(m, k).tolist()):
        with says("add up to|follow r"):
            averages.made_of(exact, 0.3, 2)


def lambda_named(function):
    def shares(m, k):
        return function(m, k)

    return shares


@pytest.mark.parametrize(
    "function, pattern",
    [
        (lambda m, k: (m ** (k + 1), m * (1 - m**k), 1 - m), "share of what is new"),
        (lambda m, k: ((1 - m) ** (k + 1), 1 - (1 - m) ** k, m * (1 - m) ** k), "comes last"),
        (lambda m, k: (1 - (k + 1) * m, k * m, m), "do not add up"),
        (lambda m, k: (0.2, 0.3, 0.5), "follow r"),
        (lambda m, k: 0.5, "expected three numbers"),
    ],
)
def test_what_is_said_of_shares(function, pattern):
    with says(pattern):
        averages.made_of(lambda_named(function), 0.1, 3)
