"""Momentum iterative FGSM, made to transfer: sign steps along a sum of past gradients."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from advcourse.core.balls import by_largest, norms, project
from advcourse.core.iterates import Strongest
from advcourse.core.losses import input_gradient, log_odds, rising
from advcourse.core.running import Model, detached, is_fooled, logits_of, untouched
from advcourse.core.validation import check_at_least, check_count, check_inputs


def mifgsm(
    model: Model,
    images: Tensor,
    labels: Tensor,
    *,
    eps: float,
    steps: int = 10,
    step_size: float | None = None,
    decay: float = 1.0,
    targets: Tensor | None = None,
) -> Tensor:
    """Momentum iterative FGSM: sign steps along a sum of past gradients, each of L1 norm one.

    The steps are::

        gᵏ⁺¹ = μ gᵏ + ∇ₓℓ(f(xᵏ), y) / ‖∇ₓℓ(f(xᵏ), y)‖₁
        xᵏ⁺¹ = Π(xᵏ + α sign gᵏ⁺¹),  Π the projection onto ‖x - x⁰‖∞ ≤ ε and [0, 1]

    Targeted: the loss is -ℓ(f(x), ỹ). Returns each image's strongest iterate, fooled first, then of higher loss.
    Works on every image it is given, fooled or not: what is to fool other models should not stop at the boundary of
    this one. Costs ``steps`` forward and backward passes and one more forward pass.

    Args:
        model: maps images to logits ``(N, K)``; runs in the mode it is in.
        images: ``(N, C, H, W)`` in [0, 1].
        labels: int64 ``(N,)``.
        eps: radius of the linf ball, in pixel units of [0, 1].
        steps: how many.
        step_size: α; ``eps / steps`` where it is not given, as in the paper.
        decay: μ; 0 forgets, 1 gives all gradients the same weight.
        targets: int64 ``(N,)``: the classes to reach.

    Returns:
        Images ``(N, C, H, W)`` in [0, 1], within ``eps`` of ``images``, without a graph.

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: Dong et al. 2018, arXiv:1710.06081, algorithm 1.
    """
    check_inputs(model, images, labels, targets)
    check_momentum(eps, steps, step_size, decay)
    with untouched(model, images):
        return momentum_steps(model, detached(images), labels, targets, eps, int(steps), step_size, decay, None)


def check_momentum(eps: float, steps: int, step_size: float | None, decay: float) -> None:
    """The settings that the attacks with momentum share."""
    check_at_least(0, eps=eps, decay=decay)
    check_at_least(0, optional=True, step_size=step_size)
    check_count(steps=steps)


def momentum_steps(
    model: Model,
    images: Tensor,
    labels: Tensor,
    targets: Tensor | None,
    eps: float,
    steps: int,
    step_size: float | None,
    decay: float,
    view: Callable[[Tensor], Tensor] | None,
) -> Tensor:
    """The iteration of both; ``view`` is what the network is shown when the gradient is taken."""

    def loss_at(x: Tensor) -> tuple[Tensor, Tensor]:
        logits = logits_of(model, x, labels, targets)
        return logits, rising(log_odds, logits, labels, targets)

    step_size = eps / steps if step_size is None else step_size
    strongest = Strongest(images)
    x, momentum = images.clone(), torch.zeros_like(images)
    for step in range(steps + 1):
        with torch.set_grad_enabled(step < steps and view is None):
            logits, loss = loss_at(x.requires_grad_(step < steps))
        strongest.see(x, is_fooled(logits, labels, targets), loss)
        if step < steps:
            if view is not None:
                _, loss = loss_at(view(x))
            gradient, x = input_gradient(loss, x), x.detach()
            gradient = by_largest(gradient)
            momentum = decay * momentum + gradient / norms(gradient, "l1").clamp_min(1)[:, None, None, None]
            x = project(x + step_size * momentum.sign(), images, eps, "linf")
            del gradient, logits, loss  # not alive beside the next forward pass
    return strongest.images
