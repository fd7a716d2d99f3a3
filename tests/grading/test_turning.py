"""What the checks of turning gradients say; short steps measure the Hessian's norm."""

import pytest
import torch

from advcourse.grading import drawn, toys, turning
from tests.support.refusals import says

X, LABELS = drawn.images_of((3, 1, 2, 3), 1), drawn.labels_of(3)
NOISE, H = drawn.images_of((3, 1, 2, 3), 2) - 0.4, torch.tensor([0.8, 0.5, 0.2], dtype=torch.float64)
WEIGHT, BIAS = 3 * drawn.images_of((3, 6, 1, 1), 3)[..., 0, 0] - 1.5, torch.tensor([0.3, -0.2, 0.5]).double()


def slopes(model, x, labels, loss):
    x = x.detach().requires_grad_()
    return torch.autograd.grad(loss(model(x), labels).sum(), x, create_graph=True)[0]


def penalty(
    away=lambda u, h: u * (h / u.flatten(1).norm(dim=1)).view(-1, 1, 1, 1),
    value=lambda d, h: d[0].numel() / h**2 * d.flatten(1).square().sum(1),
    at=slopes,
    first=lambda g: g,
):
    def turn(model, images, labels, noise, h, loss):
        there = at(model, images + away(noise, h), labels, loss)
        return value(there - first(at(model, images, labels, loss)), h)

    return turn


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_right_penalties_pass(dtype):
    x, noise, h = (each.to(dtype) for each in (X, NOISE, H))
    for loss in (turning.cross_entropies, turning.label_scores):
        turning.turns(penalty(), drawn.Slopes(6, dtype=dtype), x, LABELS, noise, h, loss)


def test_a_linear_network_turns_by_its_probabilities_alone():
    line, z = toys.Affine(WEIGHT, bias=BIAS.tolist()), NOISE * (H / NOISE.flatten(1).norm(dim=1)).view(-1, 1, 1, 1)
    with torch.no_grad():
        moved = (line(X + z).softmax(1) - line(X).softmax(1)) @ WEIGHT
    turning.turns(penalty(), line, X, LABELS, NOISE, H, exact=6 / H**2 * moved.square().sum(1))
    turning.turns(penalty(), line, X, LABELS, NOISE, H, turning.label_scores, exact=0 * H)


def by_hessians(weight, bias, images):
    def loss(x):
        return -(weight @ x + bias).log_softmax(0)[1]

    each = [torch.autograd.functional.hessian(loss, x.flatten()) for x in images]
    return torch.stack([h.square().sum() for h in each])


def test_the_limit_is_that_of_many_short_steps():
    def limit(weight, bias, images):
        return by_hessians(weight, bias, images)

    turning.tends(limit, WEIGHT, BIAS, X)
    draw, n = torch.Generator().manual_seed(0), 20_000
    noise = torch.randn(n, 1, 2, 3, generator=draw, dtype=torch.float64)
    some, labels, h = X[:1].expand(n, -1, -1, -1), LABELS[:1].expand(n), torch.full((n,), 1e-3, dtype=torch.float64)
    found = penalty()(toys.Affine(WEIGHT, bias=BIAS.tolist()), some, labels, noise, h, turning.cross_entropies)
    assert abs(found.mean() / by_hessians(WEIGHT, BIAS, X[:1]) - 1) < 5 * found.std() / found.mean() / n**0.5


@pytest.mark.parametrize(
    "changed, pattern",
    [
        ({"away": lambda u, h: u * h.view(-1, 1, 1, 1)}, "its length is not h"),
        ({"away": lambda u, h: u / u.norm() * h.view(-1, 1, 1, 1)}, "divided by one length"),
        ({"value": lambda d, h: d.flatten(1).square().sum(1)}, "P/h² is missing"),
        ({"value": lambda d, h: d.flatten(1).square().sum(1) / h**2}, "number of pixels P is missing"),
        ({"value": lambda d, h: d[0].numel() / h * d.flatten(1).square().sum(1)}, "h is not squared"),
        ({"value": lambda d, h: (6 / h**2 * d.flatten(1).square().sum(1)).mean()}, "returned one number"),
        ({"first": lambda g: g.detach()}, r"∇ℓ\(x\) is held as a constant"),
        ({"at": lambda *a: slopes(*a).detach()}, "carries no graph"),
        ({"at": lambda *a: slopes(*a) / 3}, "averaged before it is differentiated"),
        ({"at": lambda m, x, y, loss: slopes(m, x.clamp(0, 1), y, loss)}, "clamped to the box"),
        ({"at": lambda m, x, y, loss: slopes(m, x, y, turning.cross_entropies)}, "the loss that is given"),
    ],
)
def test_what_is_said_of_a_penalty(changed, pattern):
    loss = turning.label_scores if "given" in pattern else turning.cross_entropies
    with says(pattern):
        turning.turns(penalty(**changed), drawn.Slopes(6), X, LABELS, NOISE, H, loss)


@pytest.mark.parametrize(
    "value, pattern",
    [
        (lambda w, b, x: by_hessians(w, b, x).sqrt(), "that is the norm"),
        (lambda w, b, x: by_hessians(w, 0 * b, x), "the bias is left out"),
        (lambda w, b, x: by_hessians(w, b, x) / 6, "divided by P"),
        (lambda w, b, x: 1.01 * by_hessians(w, b, x), "gives .* expected"),
    ],
)
def test_what_is_said_of_a_limit(value, pattern):
    def limit(weight, bias, images):
        return value(weight, bias, images)

    with says(pattern):
        turning.tends(limit, WEIGHT, BIAS, X)
