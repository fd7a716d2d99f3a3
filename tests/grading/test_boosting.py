"""What the checks of boosted and weighted losses say; their values agree with sixty digits of ``decimal``."""

import math
from decimal import Decimal, localcontext

import pytest
import torch

from advcourse.grading import boosting
from tests.support.refusals import says

Z = torch.tensor([[0.3, -1.2, 2.0, 0.7], [1.5, 1.0, -0.4, 0.1], [-2.0, 0.6, 0.2, 3.1]], dtype=torch.float64)
V = torch.tensor([[-1.0, 0.2, 0.5, 2.0], [0.0, 2.5, -1.0, 0.3], [1.0, -0.6, 0.4, 0.9]], dtype=torch.float64)
WIDE = torch.tensor([[100.0, -100, 3, 40], [-100, 100, 99, -20], [-60, 90, -90, 100]], dtype=torch.float64)
LABELS = torch.tensor([2, 0, 1])


def exact(logits):
    powers = [Decimal(z).exp() for z in logits]
    return [p / sum(powers) for p in powers]


@pytest.mark.parametrize("logits", [Z, WIDE])
def test_values_by_many_digits(logits):
    with localcontext() as context:
        context.prec = 250
        for z, v, y in zip(logits.tolist(), logits.flip(0).tolist(), LABELS.tolist(), strict=True):
            p, q = exact(z), exact(v)
            rows, label = torch.tensor([z], dtype=torch.float64), torch.tensor([y])
            for m in (1, 2, 3):
                most = sorted((p[j] for j in range(4) if j != y), reverse=True)[:m]
                right = -p[y].ln() - (1 - sum(most)).ln()
                torch.testing.assert_close(
                    boosting._boosted(rows, label, m).item(), float(right), rtol=1e-9, atol=1e-12
                )
            js = sum(a * (2 * a / (a + b)).ln() + b * (2 * b / (a + b)).ln() for a, b in zip(p, q, strict=True)) / 2
            found = boosting._jensen_shannon(rows, torch.tensor([v], dtype=torch.float64)).item()
            torch.testing.assert_close(found, float(js), rtol=1e-9, atol=1e-12)
            for gamma in (0.05, 1, 2):
                right = (Decimal(gamma) * (1 - p[y]).ln()).exp()
                found = boosting._unsure(rows, label, gamma).item()
                torch.testing.assert_close(found, float(right), rtol=1e-9, atol=1e-300)


def test_values_by_hand():
    hand, zero = torch.tensor([[0.5, 0.3, 0.2]], dtype=torch.float64).log(), torch.tensor([0])
    assert [round(boosting._boosted(hand, zero, m).item(), 4) for m in (1, 2)] == [1.0498, 1.3863]
    half, moved = (torch.tensor([each], dtype=torch.float64).log() for each in ([0.5, 0.5], [0.9, 0.1]))
    assert round(boosting._jensen_shannon(half, moved).item(), 4) == 0.1017
    assert math.isclose(boosting._unsure(half, zero, 2).item(), 0.25)


def made(value):
    def boosted(logits, labels, m):
        return value(logits, labels, m)

    return boosted


def weighted(weight=lambda z, y, g: boosting._unsure(z, y, g).detach(), distance=boosting._jensen_shannon):
    def consistency(clean, attacked, labels, gamma):
        return weight(clean, labels, gamma) * distance(clean, attacked)

    return consistency


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_right_losses_pass(dtype):
    for logits, other in ((Z, V), (WIDE, WIDE.flip(1))):
        for m in (1, 2, 3):
            boosting.boosts(made(boosting._boosted), logits.to(dtype), LABELS, m)
        for gamma in (0, 0.05, 2):
            boosting.steadies(weighted(), logits.to(dtype), other.to(dtype), LABELS, gamma)


@pytest.mark.parametrize(
    "value, pattern",
    [
        (lambda z, y, m: torch.nn.functional.cross_entropy(z, y, reduction="none"), "cross-entropy alone"),
        (lambda z, y, m: boosting._boosted(z, y, 1), "whatever m is"),
        (lambda z, y, m: boosting._boosted(z, y, m).mean(), "returned one number"),
        (lambda z, y, m: boosting._boosted(z, y, m).detach(), "carries no graph"),
        (lambda z, y, m: 1.01 * boosting._boosted(z, y, m), "gives .* expected"),
        (lambda z, y, m: boosting._boosted(z.data.sub_(1), y, m), "overwrote"),
        (lambda z, y, m: -torch.log(z.softmax(1)[:, 0] * 0), "its logarithm is lost"),
    ],
)
def test_what_is_said_of_boosted(value, pattern):
    with says(pattern):
        boosting.boosts(made(value), Z, LABELS, 2)


@pytest.mark.parametrize(
    "changed, pattern",
    [
        ({"weight": boosting._unsure}, "the weight is differentiated too"),
        ({"weight": lambda z, y, g: 1.0}, "there is no weight"),
        ({"weight": lambda z, y, g: boosting._unsure(z, y, 1).detach()}, "whatever γ is"),
        ({"distance": lambda a, b: boosting._divergence(a.log_softmax(1), b.log_softmax(1))}, "KL.p ‖ p̃., expected JS"),
        ({"distance": lambda a, b: boosting._jensen_shannon(a.detach(), b)}, "p is held as a constant"),
        ({"distance": lambda a, b: boosting._jensen_shannon(a, b.detach())}, "the attacked logits is not"),
        ({"distance": lambda a, b: boosting._jensen_shannon(a, b) / math.log(2)}, "in bits"),
    ],
)
def test_what_is_said_of_consistency(changed, pattern):
    with says(pattern):
        boosting.steadies(weighted(**changed), Z, V, LABELS, 2)


def test_a_weight_that_rounds_to_zero_is_told():
    rounded = weighted(lambda z, y, g: (1 - z.float().softmax(1).gather(1, y[:, None])[:, 0]).double().detach() ** g)
    sure = torch.tensor([[-100.0, 3, 100, 40]], dtype=torch.float64)
    with says("rounds to zero where the network is sure"):
        boosting.steadies(rounded, sure, sure.flip(1), LABELS[:1], 0.05)
