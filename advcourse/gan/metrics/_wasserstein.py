"""The Wasserstein distance: as a critic estimates it, and what it is in one dimension."""

from __future__ import annotations

import torch
from torch import Tensor

from advcourse.core.running import Model, evaluating
from advcourse.core.validation import check_callable, check_count
from advcourse.gan._variant import scores
from advcourse.gan.metrics._checks import check_features, exact
from advcourse.gan.metrics._results import Metric


@torch.no_grad()
def critic_wasserstein(critic: Model, real: Tensor, fake: Tensor, *, batch_size: int = 256) -> Metric:
    """What a critic holds the Wasserstein-1 distance for: the gap between its mean answers, in eval mode.

    It is::

        mean over real x of f(x) - mean over fake x of f(x)

    For a critic of Lipschitz constant L at most L times the distance of the two samples, and the best critic of
    constant 1 reaches it. A critic that is not held to a constant (weight clipping holds it to an unknown one) gives a
    number in units of its own.

    Args:
        critic: maps ``(N, …)`` to one number each, ``(N,)`` or ``(N, 1)``.
        real, fake: ``(N, …)`` and ``(M, …)``, images or points, as the critic takes them.
        batch_size: of them at a time.

    Returns:
        the estimate, which may be negative; named ``W1-critic``.

    Raises:
        ValueError: for bad input, or answers of another shape or that are not finite.

    Source: Arjovsky, Chintala & Bottou 2017, arXiv:1701.07875, equations 2 and 3.
    """
    check_callable(critic=critic)
    check_count(batch_size=batch_size)
    for name, each in (("real", real), ("fake", fake)):
        if not isinstance(each, Tensor) or each.dim() < 2 or each.shape[1:] != real.shape[1:]:
            came = tuple(each.shape) if isinstance(each, Tensor) else type(each).__name__
            raise ValueError(f"{name} is {came}, expected a tensor (N, …), real and fake alike")
        check_features(**{name: each.flatten(1)})
    answers = [_answers(critic, each.detach(), int(batch_size)).mean().item() for each in (real, fake)]
    return Metric(answers[0] - answers[1], "W1-critic", len(real), len(fake))


def _answers(critic: Model, inputs: Tensor, batch_size: int) -> Tensor:
    found = []
    with evaluating(critic):
        for batch in inputs.split(batch_size):
            answer = scores(critic, batch.clone())
            if not answer.isfinite().all():
                raise ValueError("critic returned NaN or infinity, expected finite numbers")
            found.append(exact(answer))
    return torch.cat(found)


@torch.no_grad()
def wasserstein(real: Tensor, fake: Tensor) -> Metric:
    """The Wasserstein-1 distance of two samples of numbers: what a critic in one dimension should come to.

    With F and G the shares of each sample that are at most t::

        W₁ = ∫ |F(t) - G(t)| dt

    Args:
        real, fake: ``(N,)`` or ``(N, 1)``, and ``(M,)`` or ``(M, 1)``.

    Returns:
        the distance, named ``W1``.

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: Villani 2009, *Optimal transport: old and new* (the distance of quantiles in one dimension).
    """
    columns = [each[:, None] if isinstance(each, Tensor) and each.dim() == 1 else each for each in (real, fake)]
    check_features(real=columns[0], fake=columns[1])
    if columns[0].shape[1] != 1:
        raise ValueError(f"real has shape {tuple(real.shape)}, expected (N,) or (N, 1): one number each")
    x, y = (exact(each).flatten().sort().values for each in columns)
    places = torch.cat([x, y]).sort().values
    below = [torch.searchsorted(each, places[:-1], right=True).double() / len(each) for each in (x, y)]
    value = ((below[0] - below[1]).abs() * places.diff()).sum()
    return Metric(value.item(), "W1", len(x), len(y))
