"""Checks of losses that compare real and made images in pairs, and of how fast their game comes to rest."""

from __future__ import annotations

import cmath
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from advcourse.grading.checks import fail, leaves_no_trace, number, tensor, value
from advcourse.grading.critics import double, exact_slopes
from advcourse.grading.penalties import joined, told

# -- the losses


def compares(function: Callable, critic: nn.Module, real: Tensor, fake: Tensor, gamma: float) -> None:
    """The critic's loss of each pair, with its gradient to the weights and none to the generator."""
    name = f"{function.__name__}, γ = {gamma:g}"
    result, source = _ran(function, critic, real, fake, name, gamma)
    found = tensor(result, name, shape=(len(real),), dtype=real.dtype).double()
    reference = double(critic)
    a, b = reference(real.double()), reference(fake.double())
    at_real, at_fake = (exact_slopes(reference, x.double()).flatten(1) for x in (real, fake))
    first, second = at_real.square().sum(1), at_fake.square().sum(1)
    pair, both = F.softplus(b - a), gamma / 2 * (first + second)
    right, half = pair + both, gamma / 2
    wrong = {
        "the sign: it falls as the critic puts the made image above the real one": [F.softplus(a - b) + both],
        "the penalty is subtracted": [pair - both],
        "the half of γ is missing": [pair + 2 * both],
        "the penalty at the made images is missing": [pair + half * first],
        "the penalty at the real images is missing": [pair + half * second],
        "there is no penalty": [pair],
        "the slopes are not squared": [pair + half * (first.sqrt() + second.sqrt())],
        "the slopes are added before they are squared": [pair + half * (at_real + at_fake).square().sum(1)],
        "one is taken off the slopes: these penalties are zero where the slope is": [
            pair + half * ((first.sqrt() - 1).square() + (second.sqrt() - 1).square())
        ],
        "the squares of a slope are averaged over the pixels, expected their sum": [
            pair + both / at_real.shape[1],
        ],
        "it is divided by the number of images": [
            pair + both / len(real),
            pair + both / len(real) ** 2,
            right / len(real),
        ],
        "the penalty is averaged over the batch, expected that of each pair": [pair + both.mean()],
        "real and made images are not compared with each other": [
            F.softplus(-a) + F.softplus(b) + both,
            b - a + both,
        ],
        "the answers are averaged over the batch before they are compared, expected pairs": [
            F.softplus(b.mean() - a) + both,
            F.softplus(b - a.mean()) + both,
            F.softplus((b - a).mean()) + both,
        ],
        "the slope is that of the loss, expected that of the critic": [
            pair + (b - a).sigmoid().square() * both,
        ],
        "that is the probability, expected the negative of its logarithm": [
            (a - b).sigmoid() + both,
            1 - (a - b).sigmoid() + both,
        ],
    }
    told(found, right, name, wrong, *_near(real))
    if not result.requires_grad:
        fail(f"{name}: the result carries no graph to the critic's weights")
    _weights_agree(result, right, pair, critic, reference, name)
    again, source = _ran(function, critic, real, fake, name, gamma)
    (back,) = torch.autograd.grad(again.sum(), source, allow_unused=True)
    if back is not None and back.any():
        fail(f"{name}: its gradient reaches the generator: the critic's loss is to change the critic alone (.detach())")


def _ran(
    function: Callable, critic: nn.Module, real: Tensor, fake: Tensor, name: str, *settings: float
) -> tuple[Tensor, Tensor]:
    """What the function returns where the made images come from something that is differentiated."""
    given, source = real.clone(), fake.clone().requires_grad_()
    made, modes = 1.0 * source, [m.training for m in critic.modules()]
    with leaves_no_trace(name, critic, given, source):
        result = function(critic, given, made, *settings)
    if not torch.equal(made.detach(), fake) or not made.requires_grad:
        fail(f"{name} changed the made images that it was given: work on a copy")
    if [m.training for m in critic.modules()] != modes:
        fail(f"{name} switched the critic between train and eval mode")
    return result, source


def _weights_agree(
    result: Tensor, right: Tensor, pair: Tensor, critic: nn.Module, reference: nn.Module, name: str
) -> None:
    mix = torch.linspace(0.5, 1.5, len(right), dtype=torch.float64)
    own, other = list(critic.parameters()), list(reference.parameters())
    got = joined(torch.autograd.grad((mix.to(result.dtype) * result).sum(), own, allow_unused=True), own)
    want, plain = (
        joined(torch.autograd.grad((mix * each).sum(), other, allow_unused=True, retain_graph=True), other)
        for each in (right, pair)
    )
    share = 1e-8 if result.dtype == torch.float64 else 5e-4
    limit = share * want.abs().max().clamp_min(1e-3)
    if (got - want).abs().max() <= limit:
        return
    if (got - plain).abs().max() <= limit:
        fail(f"{name}: the penalty has a value but no gradient to the critic's weights: create_graph=True")
    fail(f"{name}: the values are right, their gradient with respect to the critic's weights is not: is a graph cut?")


def _near(like: Tensor) -> tuple[float, float]:
    return (1e-8, 1e-10) if like.dtype == torch.float64 else (5e-4, 2e-5)


def answers(function: Callable, critic: nn.Module, real: Tensor, fake: Tensor) -> None:
    """The generator's loss of each pair, with the exact gradient to the made images."""
    name = function.__name__
    result, source = _ran(function, critic, real, fake, name)
    found = tensor(result, name, shape=(len(real),), dtype=real.dtype).double()
    reference, y = double(critic), fake.detach().double().clone().requires_grad_()
    a, b = reference(real.double()), reference(y)
    right = F.softplus(a - b)
    wrong = {
        "that is the critic's: the generator claims the opposite": [F.softplus(b - a)],
        "it is the critic's with a minus sign in front, which is flat where the critic is sure": [-F.softplus(b - a)],
        "the real images have no part in it": [F.softplus(-b), -b],
        "no logarithm is taken": [a - b, (b - a).sigmoid(), (a - b).sigmoid()],
        "the answers are averaged over the batch before they are compared, expected pairs": [
            F.softplus(a.mean() - b),
            F.softplus(a - b.mean()),
            F.softplus((a - b).mean()).expand(len(a)),
        ],
        "it is divided by the number of images": [right / len(a)],
    }
    told(found, right.detach(), name, {why: [w.detach() for w in ways] for why, ways in wrong.items()}, *_near(real))
    back = None
    if result.requires_grad:
        mix = torch.linspace(0.5, 1.5, len(real), dtype=real.dtype)
        (back,) = torch.autograd.grad((mix * result).sum(), source, allow_unused=True)
    if back is None:
        fail(f"{name}: no gradient reaches the generator: do not detach the made images here")
    (want,) = torch.autograd.grad((torch.linspace(0.5, 1.5, len(real), dtype=torch.float64) * right).sum(), y)
    share = 1e-8 if real.dtype == torch.float64 else 5e-4
    if (back.double() - want).abs().max() > share * want.abs().max().clamp_min(1e-3):
        fail(f"{name}: the values are right, their gradient with respect to the made images is not")


# -- the game of two numbers


def spectral_radius(gamma: float, step: float, alternating: bool) -> float:
    """Of the linear map of one round near (ψ, θ) = (0, 0), by its characteristic polynomial.

    The critic ``D(x) = ψ x`` sees 0 as real and θ as made: one step is ``ψ ← (1 - 2γη) ψ - η/2 θ``, ``θ ← θ + η/2 ψ``.
    """
    return _radius(*_round(1 - 2 * gamma * step, -step / 2, step / 2, 1, alternating))


def _round(a: float, b: float, c: float, d: float, alternating: bool) -> tuple[float, float, float, float]:
    return (a, b, c * a, d + c * b) if alternating else (a, b, c, d)


def _radius(a: float, b: float, c: float, d: float) -> float:
    middle, root = (a + d) / 2, cmath.sqrt(((a + d) / 2) ** 2 - (a * d - b * c))
    return max(abs(middle + root), abs(middle - root))


def rests(function: Callable, gamma: float, step: float, alternating: bool) -> None:
    """By which factor a round brings the game nearer to its rest."""
    kind = "alternating" if alternating else "at once"
    name = f"{function.__name__}({gamma:g}, {step:g}, {alternating})"
    found = number(function(gamma, step, alternating), name)
    right, half = spectral_radius(gamma, step, alternating), step / 2
    a, b, c, d = _round(1 - 2 * gamma * step, -half, half, 1, alternating)

    def other(a: float, b: float, c: float, d: float) -> float:
        return _radius(*_round(a, b, c, d, alternating))

    middle, root = (a + d) / 2, cmath.sqrt(((a + d) / 2) ** 2 - (a * d - b * c))
    mistakes = {
        f"the two move {kind} here": spectral_radius(gamma, step, not alternating),
        "the generator moves first; it is the critic that does": other(1, half, -half, 1 - 2 * gamma * step),
        "there are two penalties, and each has γ/2 in front of ψ²": other(1 - gamma * step, -half, half, 1),
        "the penalty γ/2 (ψ² + ψ²) has the slope 2γψ": other(1 - 4 * gamma * step, -half, half, 1),
        "the slope of log(1 + eᵗ) at 0 is one half": other(1 - 2 * gamma * step, -step, step, 1),
        "the penalty pulls ψ towards zero": other(1 + 2 * gamma * step, -half, half, 1),
        "the two pull in opposite ways: one entry off the diagonal is negative": other(
            1 - 2 * gamma * step, half, half, 1
        ),
        "the penalty is the critic's alone": other(1 - 2 * gamma * step, -half, half, 1 - 2 * gamma * step),
        "that is the smaller of the two eigenvalues": min(abs(middle + root), abs(middle - root)),
        "an eigenvalue may be complex: its absolute value counts": max((middle + root).real, (middle - root).real),
        "that is the largest stretch (a singular value), expected the largest eigenvalue": float(
            torch.linalg.matrix_norm(torch.tensor([[a, b], [c, d]], dtype=torch.float64), 2)
        ),
        "that is the product of the eigenvalues": abs(a * d - b * c),
        "that is an eigenvalue of the flow; a step multiplies by 1 + η times it": _radius(-2 * gamma, -0.5, 0.5, 0),
    }
    apart = {why: wrong for why, wrong in mistakes.items() if abs(wrong - right) > 1e-6}
    value(found, right, name, apart)
