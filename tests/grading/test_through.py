"""What the checks of stand-in gradients say, and that right ones pass."""

import math

import pytest
import torch
import torch.nn.functional as F

from advcourse.grading import through, toys
from tests.support.refusals import says

IMAGES = torch.tensor([[0.4, 0.05, 0.97], [0.62, 0.23, 0.81]], dtype=torch.float64).view(2, 1, 1, 3)


def staircase(
    forth=lambda x, bits, a: (x * (2**bits - 1)).round() / (2**bits - 1),
    back=lambda g, x, bits, a: g * (1 - a * torch.cos(2 * math.pi * (2**bits - 1) * x)),
):
    class Staircase(torch.autograd.Function):
        @staticmethod
        def forward(ctx, images, bits, a):
            ctx.save_for_backward(images)
            ctx.bits, ctx.a = bits, a
            return forth(images, bits, a)

        @staticmethod
        def backward(ctx, gradient):
            return back(gradient, ctx.saved_tensors[0], ctx.bits, ctx.a), None, None

    return Staircase


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("bits, a", [(1, 0.0), (2, 0.5), (4, 1.0), (8, 0.3)])
def test_a_right_staircase_passes(dtype, bits, a):
    through.stairs(staircase(), IMAGES.to(dtype), bits, a)


@pytest.mark.parametrize(
    "function, pattern",
    [
        (staircase(lambda x, bits, a: x.clone()), "came back as it was|comes back as it was"),
        (staircase(lambda x, bits, a: (x * 2**bits).round() / 2**bits), r"2\^2 \+ 1 levels"),
        (staircase(lambda x, bits, a: (x * 3).floor() / 3), "rounded down"),
        (staircase(lambda x, bits, a: (x * 3).round()), "not divided"),
        (staircase(lambda x, bits, a: x * 0.7), "expected"),
        (staircase(back=lambda g, x, bits, a: g), "the identity's, whatever a is"),
        (staircase(back=lambda g, x, bits, a: 0 * g), "it is zero"),
        (staircase(back=lambda g, x, bits, a: g * (1 + a * torch.cos(6 * math.pi * x))), "the sign"),
        (
            staircase(back=lambda g, x, bits, a: 1 - a * torch.cos(6 * math.pi * x)),
            "the gradient that comes from above",
        ),
        (staircase(back=lambda g, x, bits, a: 3 * g * (1 - a * torch.cos(6 * math.pi * x))), "too large by"),
        (staircase(back=lambda g, x, bits, a: g * (1 - a * torch.sin(6 * math.pi * x))), "is a cosine"),
        (lambda x: x, r"torch\.autograd\.Function"),
    ],
)
def test_what_is_said_of_a_staircase(function, pattern):
    with says(pattern):
        through.stairs(function, IMAGES, 2, 0.5)


X = (0.5 + 0.45 * torch.cos(torch.arange(48, dtype=torch.float64) ** 2)).view(4, 1, 3, 4)
SOFT = toys.Affine(torch.sin(torch.arange(36, dtype=torch.float64) ** 2).view(3, 12))
HARD = toys.Prototypes(X[:3].flip(3), [1.0, 2.0, 1.5], [0.0, 0.6, 0.2])
LABELS = HARD(X).argmax(1)


def attack(
    start=lambda x, eps: x.clone(),
    climb=lambda x, slope, step: x + step * slope.sign(),
    cut=lambda x, images, eps: x.clamp(images - eps, images + eps).clamp(0, 1),
    key=lambda loss, fooled: loss + 1e6 * fooled,
    share=lambda hit: hit.int().cummax(0).values.double().mean(1),
    result=lambda x: x,
    shown=lambda steps: range(steps + 1),
    before=lambda defended, stand_in: None,
):
    """A right attack, of which parts can be exchanged."""

    def attack_through(defended, stand_in, images, labels, eps, step_size, steps):
        before(defended, stand_in)
        path = [start(images, eps)]
        for _ in range(steps):
            x = path[-1].clone().requires_grad_()
            (slope,) = torch.autograd.grad(F.cross_entropy(stand_in(x), labels, reduction="sum"), x)
            path.append(cut(climb(path[-1], slope, step_size), images, eps))
        logits = torch.stack([defended(path[k]) for k in shown(steps)])
        loss = torch.stack([F.cross_entropy(z, labels, reduction="none") for z in logits])
        hit = logits.argmax(2) != labels
        best = key(loss, hit).argmax(0)
        return result(torch.stack(path)[best, torch.arange(len(images))]), share(hit)

    return attack_through


def both(function, images=X, labels=LABELS):
    through.climbs_by(function, HARD, SOFT, images, labels, 0.1, 0.04, 6)
    through.keeps_best(function, HARD, SOFT, images, labels, 0.1, 0.04, 6)


def test_a_right_attack_passes():
    both(attack())
    both(attack(), labels=(LABELS + 1) % 3)
    through.climbs_by(attack(), HARD, SOFT, X, LABELS, 0.1, 0.04, 0)


@pytest.mark.parametrize(
    "changed, pattern",
    [
        ({"start": lambda x, eps: (x + eps / 2).clamp(0, 1)}, "should be the image itself"),
        ({"climb": lambda x, slope, step: x - step * slope.sign()}, "walks downhill"),
        ({"climb": lambda x, slope, step: x + slope}, "a step moves a pixel by"),
        ({"climb": lambda x, slope, step: x}, "stops at x_0"),
        ({"cut": lambda x, images, eps: x.clamp(0, 1)}, "did you project after the step"),
        ({"cut": lambda x, images, eps: x.clamp(images - eps, images + eps)}, r"outside \[0, 1\]"),
        ({"shown": lambda steps: range(steps)}, r"expected \(7,\)"),
        ({"result": lambda x: x.float()}, "keep their dtype"),
        ({"result": lambda x: x.requires_grad_()}, "still requires a gradient"),
        ({"result": lambda x: None}, "returned None"),
        ({"before": lambda defended, stand_in: stand_in.eval()}, "`stand_in` in another mode"),
        (
            {"before": lambda defended, stand_in: defended(X).sum().backward()},
            "asks for a gradient through `defended`",
        ),
    ],
)
def test_what_is_said_of_the_way(changed, pattern):
    with says(pattern):
        both(attack(**changed))


def test_modes_of_parts_count_too():
    mixed = torch.nn.Sequential(toys.Affine(SOFT.weight).eval())  # eval mode within train mode
    through.climbs_by(attack(), HARD, mixed, X, LABELS, 0.1, 0.04, 3)
    for change in (torch.nn.Module.train, torch.nn.Module.eval):
        with says("`stand_in` in another mode"):
            switching = attack(before=lambda defended, stand_in, to=change: to(stand_in))
            through.climbs_by(switching, HARD, mixed, X, LABELS, 0.1, 0.04, 3)


def test_where_the_gradient_is_zero_nothing_moves():
    unread = torch.arange(12).view(1, 3, 4) % 3 == 0
    blind = toys.Affine(SOFT.weight.detach() * ~unread.flatten())
    through.climbs_by(attack(), HARD, blind, X, LABELS, 0.1, 0.04, 3, unread)
    with says("the sign of 0 is 0"):
        chosen = attack(climb=lambda x, slope, step: x + step * torch.where(slope > 0, 1.0, -1.0))
        through.climbs_by(chosen, HARD, blind, X, LABELS, 0.1, 0.04, 3, unread)


def test_a_staircase_leaves_what_it_is_given_as_it_is():
    with says("requires_grad set on the caller's images"):
        through.stairs(
            staircase(lambda x, bits, a: (x * 3).round().div(3) + 0 * x.requires_grad_().detach()), IMAGES, 2, 0.5
        )
    with says("changed the gradient that comes from above"):
        through.stairs(staircase(back=lambda g, x, bits, a: g.mul_(1 - a * torch.cos(6 * math.pi * x))), IMAGES, 2, 0.5)


NEAR, ODD = [1.0, 0.9, 0.9], [0.0, 0.1, -9.0]
TABLE = through.Listed([[3.0, 0, 0], [0.0, 0.3, -9.0], NEAR, ODD, *[[3.0, 0, 0]] * 7])
LINE = toys.TwoClasses(lambda x: -x.flatten(1)[:, 0])


@pytest.mark.parametrize(
    "changed, pattern",
    [
        ({"key": lambda loss, hit: loss}, "fooled comes first"),
        ({"key": lambda loss, hit: torch.arange(5).view(-1, 1) + 0 * loss}, "not as the last"),
        ({"key": lambda loss, hit: torch.arange(5).view(-1, 1) * hit}, "not as the last that fools"),
        ({"key": lambda loss, hit: -loss}, "not as the last|not as it was|none of those"),
        ({"share": lambda hit: hit.double().mean(1)}, "stays fooled"),
        ({"share": lambda hit: 1 - hit.int().cummax(0).values.double().mean(1)}, "that is not fooled"),
        ({"share": lambda hit: hit.double().mean(1)[1:]}, r"expected \(5,\)"),
    ],
)
def test_what_is_said_of_the_best(changed, pattern):
    images = torch.full((1, 1, 1, 2), 0.5, dtype=torch.float64)
    images[0, 0, 0, 0] = 0
    through.keeps_best(attack(), TABLE, LINE, images, torch.zeros(1).long(), 0.41, 0.1, 4)
    with says(pattern):
        through.keeps_best(attack(**changed), TABLE, LINE, images, torch.zeros(1).long(), 0.41, 0.1, 4)


def test_decisions():
    through.stops(lambda curve, last, tolerance: torch.tensor(True), [0, 1], 1, 0.1, True, "why")
    with says("should give False: why"):
        through.stops(lambda curve, last, tolerance: True, [0, 0], 1, 0.1, False, "why")
    with says("expected True or False"):
        through.stops(lambda curve, last, tolerance: 1, [0, 1], 1, 0.1, True, "why")
    with says("divides by zero"):
        through.stops(lambda curve, last, tolerance: 1 / 0, [0, 1], 1, 0.1, True, "why")
