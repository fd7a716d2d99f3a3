"""What the checks of paired losses and of their smallest game say, and that right ones pass."""

import pytest
import torch
import torch.nn.functional as F

from advcourse.grading import critics, pairs
from tests.support.refusals import says

WAVE = torch.cos(torch.arange(240, dtype=torch.float64) ** 2)
REAL, FAKE = WAVE[:24].view(4, 1, 3, 2), WAVE[24:48].view(4, 1, 3, 2)


def squared(critic, x, graph=True):
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(critic(x).sum(), x, create_graph=graph)[0].flatten(1).square().sum(1)


def critic_loss(compare=lambda a, b: F.softplus(b - a), penalty=None, cut=lambda y: y.detach()):
    penalty = penalty or (lambda c, x, y: (squared(c, x) + squared(c, y)) / 2)

    def loss(critic, real, fake, gamma):
        return compare(critic(real), critic(cut(fake))) + gamma * penalty(critic, real, fake)

    return loss


def generator_loss(compare=lambda a, b: F.softplus(a - b), cut=lambda y: y):
    def loss(critic, real, fake):
        return compare(critic(real), critic(cut(fake)))

    return loss


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_right_losses_pass(dtype):
    for scale in (1.0, 100.0):
        critic = critics.Waves(6, scale, dtype=dtype)
        pairs.compares(critic_loss(), critic, REAL.to(dtype), FAKE.to(dtype), 0.4 / scale)
        pairs.answers(generator_loss(), critic, REAL.to(dtype), FAKE.to(dtype))


@pytest.mark.parametrize(
    "changed, pattern",
    [
        ({"compare": lambda a, b: F.softplus(a - b)}, "the sign"),
        ({"compare": lambda a, b: F.softplus(-a) + F.softplus(b)}, "not compared with each other"),
        ({"compare": lambda a, b: F.softplus(b.mean() - a)}, "expected pairs"),
        ({"compare": lambda a, b: (a - b).sigmoid()}, "negative of its logarithm"),
        ({"penalty": lambda c, x, y: squared(c, x) + squared(c, y)}, "half of γ is missing"),
        ({"penalty": lambda c, x, y: squared(c, x) / 2}, "penalty at the made images is missing"),
        ({"penalty": lambda c, x, y: squared(c, y) / 2}, "penalty at the real images is missing"),
        ({"penalty": lambda c, x, y: 0}, "there is no penalty"),
        ({"penalty": lambda c, x, y: -(squared(c, x) + squared(c, y)) / 2}, "the penalty is subtracted"),
        ({"penalty": lambda c, x, y: (squared(c, x).sqrt() + squared(c, y).sqrt()) / 2}, "slopes are not squared"),
        ({"penalty": lambda c, x, y: (squared(c, x) + squared(c, y)).mean() / 2}, "averaged over the batch"),
        ({"penalty": lambda c, x, y: (squared(c, x) + squared(c, y)) / 12}, "averaged over the pixels"),
        ({"penalty": lambda c, x, y: (squared(c, x, False) + squared(c, y, False)) / 2}, "create_graph=True"),
        ({"cut": lambda y: y}, "reaches the generator"),
        ({"compare": lambda a, b: F.softplus(b - a.detach())}, "is a graph cut"),
        ({"compare": lambda a, b: 1.01 * F.softplus(b - a)}, r"gives .* at \("),
    ],
)
def test_what_is_said_of_the_critics_loss(changed, pattern):
    with says(pattern):
        pairs.compares(critic_loss(**changed), critics.Waves(6, 2.0), REAL, FAKE, 0.4)


@pytest.mark.parametrize(
    "changed, pattern",
    [
        ({"compare": lambda a, b: F.softplus(b - a)}, "claims the opposite"),
        ({"compare": lambda a, b: -F.softplus(b - a)}, "flat where the critic is sure"),
        ({"compare": lambda a, b: F.softplus(-b)}, "have no part in it"),
        ({"compare": lambda a, b: a - b}, "no logarithm"),
        ({"compare": lambda a, b: F.softplus(a.mean() - b)}, "expected pairs"),
        ({"cut": lambda y: y.detach()}, "no gradient reaches the generator"),
        ({"compare": lambda a, b: F.softplus(a - 2 * b + b.detach())}, "with respect to the made images is not"),
        ({"compare": lambda a, b: 1.01 * F.softplus(a - b)}, r"gives .* at \("),
    ],
)
def test_what_is_said_of_the_generators_loss(changed, pattern):
    with says(pattern):
        pairs.answers(generator_loss(**changed), critics.Waves(6, 2.0), REAL, FAKE)


def rate_of(gamma, step, alternating, rounds=600):
    """By playing the game itself, with the losses differentiated; scaled back so that it stays near its rest."""
    state, logs = torch.tensor([0.3, 1.0], dtype=torch.float64) * 1e-4, []
    zero = torch.zeros(1, 1, dtype=torch.float64)
    for _ in range(rounds):
        psi, theta = (each.clone().requires_grad_() for each in state)

        def critic(x, psi=psi):
            return (x * psi).flatten()

        one = F.softplus(critic(theta.detach().view(1, 1)) - critic(zero)).sum() + gamma * psi**2
        new = psi.detach() - step * torch.autograd.grad(one, psi)[0]
        seen = new if alternating else psi.detach()
        other = F.softplus(-theta * seen)
        state = torch.stack([new, theta.detach() - step * torch.autograd.grad(other, theta)[0]])
        logs.append((state.norm() / 1e-4).log())
        state = state / state.norm() * 1e-4
    return torch.stack(logs[200:]).mean().exp().item()


@pytest.mark.parametrize("gamma, step", [(0.0, 0.5), (0.1, 0.3), (1.0, 0.5), (1.5, 0.9)])
def test_the_spectral_radius_is_that_of_the_game(gamma, step):
    for alternating in (True, False):
        assert pairs.spectral_radius(gamma, step, alternating) == pytest.approx(
            rate_of(gamma, step, alternating), rel=2e-3
        )


def test_right_and_wrong_contractions():
    for alternating in (True, False):
        pairs.rests(pairs.spectral_radius, 0.3, 0.7, alternating)
    pairs.rests(lambda *given: torch.tensor(pairs.spectral_radius(*given)), 0.3, 0.7, True)
    for wrong, pattern in (
        (lambda g, s, a: pairs.spectral_radius(g, s, not a), "the two move"),
        (lambda g, s, a: pairs.spectral_radius(g / 2, s, a), "there are two penalties"),
        (lambda g, s, a: pairs.spectral_radius(2 * g, s, a), "has the slope 2γψ"),
        (lambda g, s, a: pairs.spectral_radius(g / 2, 2 * s, a), "is one half"),
        (lambda g, s, a: 0.5, "gives 0.5"),
    ):
        wrong.__name__ = "contraction"
        with says(pattern):
            for alternating in (False, True):
                pairs.rests(wrong, 0.3, 0.7, alternating)
