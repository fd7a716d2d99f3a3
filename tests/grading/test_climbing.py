"""What is said of attacks that overrun a budget or step elsewhere, and that right ones pass."""

import pytest
import torch

from advcourse.core.losses import margin
from advcourse.grading import climbing, queries, toys
from tests.support.refusals import says
from tests.support.scenes import normal

IMAGES = (0.5 + 0.5 * torch.cos(torch.arange(72, dtype=torch.float64) ** 2)).view(6, 3, 2, 2)
NETWORK = toys.Affine(normal(3, 12, seed=1))
LABELS = NETWORK(IMAGES).argmax(1)
LABELS[1] = NETWORK(IMAGES)[1].argmin()
SAMPLES = 4


def unit(g):
    return g / g.norm() if g.norm() > 0 else g


def attacker(
    enough=lambda left, samples: left > samples,
    going=lambda value: value <= 0,
    momentum=lambda v, g, mu: mu * v + unit(g),
    step=lambda x, v, alpha: x + alpha * v.sign(),
    cut=lambda moved, x, clean, eps: moved.clamp(clean - eps, clean + eps).clamp(0, 1),
    whom=lambda n: n,
    first=lambda x: x,
    spread=1.0,
    result=lambda best, last, images: best,
    draws=lambda generator: generator,
):
    """The attack, one image at a time, of which every rule can be made wrong."""

    def attack_under_budget(oracle, images, labels, eps, step_size, samples, sigma, mu, generator):
        best, last = images.clone(), images.clone()
        for n in range(len(images)):
            clean = images[n].clone()
            x, v, highest = first(clean), torch.zeros_like(clean), -torch.inf

            def lead(points, n=n):
                return margin(oracle(points, torch.full((len(points),), whom(n))), labels[n].expand(len(points)))

            if not oracle.left(torch.tensor([n])):
                continue
            while True:
                value = lead(x[None]).item()
                last[n] = x
                if value > highest:
                    highest, best[n] = value, x
                if not (going(value) and enough(int(oracle.left(torch.tensor([n]))), samples)):
                    break
                u = 2.0 * torch.randint(2, (samples // 2, *x.shape), generator=draws(generator)).to(x.dtype) - 1
                rise = lead(x + spread * sigma * u) - lead(x - spread * sigma * u)
                v = momentum(v, (rise.view(-1, 1, 1, 1) * u).sum(0) / (samples * sigma), mu)
                x = cut(step(x, v, step_size), x, clean, eps)
        return result(best, last, images)

    return attack_under_budget


def climbs(function, budget=5 * (SAMPLES + 1) + 2, eps=0.1, path=True, before=()):
    oracle = queries.Watched(NETWORK, budget=budget)
    for row in before:
        oracle(IMAGES[row][None], torch.tensor([row]))
    return climbing.climbs(function, oracle, IMAGES, LABELS, eps, 0.04, SAMPLES, 0.05, 0.9, path=path)


@pytest.mark.parametrize("budget", [0, 1, 5, 6, 7, 10, 11, 12, 60])
def test_right_attacks_pass(budget):
    climbs(attacker(), budget)
    climbs(attacker(), max(budget, 3), before=(0, 0, 2))
    climbs(attacker(momentum=lambda v, g, mu: mu * v + (1 - mu) * unit(g)), budget)


@pytest.mark.parametrize(
    "changed, budget, pattern",
    [
        ({"enough": lambda left, samples: left >= samples}, 10, "the oracle refused a call"),
        ({"enough": lambda left, samples: left > samples + 1}, 11, "was given up after 6 queries"),
        ({"enough": lambda left, samples: left >= 2}, 10, "the oracle refused a call"),
        ({"going": lambda value: True}, 60, "more were asked for it"),
        ({"whom": lambda n: 0}, 30, "bill each query to its image"),
        ({"first": lambda x: 1 - x}, 30, "first query of image 0 should be about the image as it is"),
        ({"spread": 2.0}, 30, r"query 2 of image 0 should be one of the 4 at x_0 ± σu"),
    ],
)
def test_what_is_said_of_queries(changed, budget, pattern):
    with says(pattern):
        climbs(attacker(**changed), budget, path=False)


@pytest.mark.parametrize(
    "changed, pattern",
    [
        ({"momentum": lambda v, g, mu: unit(g)}, "there is no momentum"),
        ({"momentum": lambda v, g, mu: mu * v + g}, "the estimate is added as it is"),
        ({"momentum": lambda v, g, mu: mu * v + g.sign()}, "the estimate's sign is added"),
        ({"momentum": lambda v, g, mu: mu * v - unit(g)}, "goes against the estimate"),
        ({"step": lambda x, v, alpha: x + alpha * v}, "along v, expected along its sign"),
        ({"step": lambda x, v, alpha: x}, "It did not move"),
        ({"cut": lambda moved, x, clean, eps: moved.clamp(0, 1)}, "your δ reaches"),
        ({"cut": lambda moved, x, clean, eps: moved.clamp(clean - eps, clean + eps)}, r"outside \[0, 1\]"),
        ({"result": lambda best, last, images: images.clone()}, "it is the original"),
        ({"result": lambda best, last, images: best.float()}, "keep their dtype"),
    ],
)
def test_what_is_said_of_steps(changed, pattern):
    with says(pattern):
        climbs(attacker(**changed))


def test_the_strongest_comes_back_and_not_the_last():
    def there_and_back(v, g, mu):
        return g if (v == 0).all() else -v

    oracle = queries.Watched(NETWORK, budget=2 * (SAMPLES + 1) + 1)
    function = attacker(momentum=there_and_back, result=lambda best, last, images: last)
    with says("does not follow|not as the last"):
        climbing.climbs(function, oracle, IMAGES, LABELS, 0.02, 0.01, SAMPLES, 0.05, 0.9)


def no_trace(function):
    return climbing.no_trace(function, NETWORK, 60, IMAGES, LABELS, 0.05, SAMPLES, 0.05)


def test_traces():
    own = torch.Generator().manual_seed(1)
    no_trace(attacker())
    for changed, pattern in (
        ({"draws": lambda generator: None}, "global random numbers"),
        ({"result": lambda best, last, images: images.copy_(best)}, "overwrote its input"),
        ({"result": lambda best, last, images: best.requires_grad_()}, "still requires a gradient"),
        ({"draws": lambda generator: own}, "should give the same images"),
    ):
        with says(pattern):
            no_trace(attacker(**changed))
    with says("the caller's own tensor"):
        no_trace(lambda oracle, images, *rest: images)


def test_an_estimate_of_zero():
    step = toys.TwoClasses(lambda x: 1.0 - 2.0 * (x[:, 0, 0].sum(1) - 1.5 > 0.125).to(x.dtype))
    images = torch.full((8, 2, 2, 3), 0.5, dtype=torch.float64)
    arguments = (step, 182, images, torch.zeros(8).long(), 0.1, 2, 0.05)
    climbing.goes_on_after_zero(attacker(), *arguments)
    with says("divided by its length, 0"):
        climbing.goes_on_after_zero(attacker(momentum=lambda v, g, mu: mu * v + g / g.norm()), *arguments)


@pytest.mark.parametrize("mu", [0.0, 0.9])
def test_nothing_moves_where_all_answers_are_the_same(mu):
    def stays(function):
        oracle = queries.Watched(toys.Affine(torch.zeros(3, 12), [1.0, 0.0, 0.5]), budget=21)
        climbing.stays(function, oracle, IMAGES, torch.zeros(6).long(), 0.05, SAMPLES, 0.05, mu)

    stays(attacker())
    for changed in (
        {"momentum": lambda v, g, mu: mu * v + (unit(g) if g.any() else 1)},
        {"step": lambda x, v, alpha: x + torch.where(v > 0, alpha, -alpha)},
    ):
        with says("the sign of 0 is 0"):
            stays(attacker(**changed))
