"""Decoupled direction and norm: the gradient gives the direction, success or failure the norm."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from advcourse.core.balls import norms, steepest
from advcourse.core.iterates import Closest
from advcourse.core.losses import input_gradient, log_odds, rising
from advcourse.core.running import Model, answer, detached, is_fooled, untouched
from advcourse.core.validation import (
    check_at_least,
    check_at_most,
    check_count,
    check_inputs,
    check_logits,
)

LAST_STEP = 0.01


def ddn(
    model: Model,
    images: Tensor,
    labels: Tensor,
    *,
    steps: int = 100,
    init_norm: float = 1.0,
    gamma: float = 0.05,
    levels: int | None = None,
    targets: Tensor | None = None,
) -> Tensor:
    """Decoupled direction and norm: the closest of iterates on a sphere that shrinks while they fool, and grows else.

    The steps are::

        gₖ = ∇ₓℓ(f(x + δₖ), y)
        δ' = δₖ + αₖ gₖ / ‖gₖ‖₂
        εₖ₊₁ = (1 ∓ γ) εₖ
        δₖ₊₁ = clamp(x + εₖ₊₁ δ' / ‖δ'‖₂, 0, 1) - x

    with ``-`` where x + δₖ fools and ``+`` where it does not, and αₖ falling from 1 to ``LAST_STEP`` along half a
    cosine. Targeted, gₖ = -∇ₓℓ(f(x + δₖ), t). Costs ``steps + 1`` forward and ``steps`` backward passes: the last
    iterate is tested too.

    Args:
        model: maps images to logits ``(N, K)``, K ≥ 2; runs in the mode it is in.
        images: ``(N, C, H, W)`` in [0, 1].
        labels: int64 ``(N,)``.
        steps: number of steps.
        init_norm: ε₀, in pixel units of [0, 1].
        gamma: γ, by how much the norm changes, in [0, 1].
        levels: every iterate is rounded to so many grey levels, 256 for 8-bit images; not rounded where not given.
        targets: int64 ``(N,)``: the classes to reach.

    Returns:
        Images ``(N, C, H, W)`` in [0, 1], without a graph: the closest that fooled; the image itself where none
        did, or where it is already misclassified (predicted as its target).

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: Rony et al. 2019, arXiv:1811.09600, algorithm 1.
    """
    check_inputs(model, images, labels, targets)
    check_count(steps=steps)
    check_count(optional=True, at_least=2, levels=levels)
    check_at_least(0, init_norm=init_norm, gamma=gamma)
    check_at_most(1, gamma=gamma)
    steps = int(steps)
    with untouched(model, images):
        start = detached(images)
        closest = Closest(start)
        x, rows = start.clone(), torch.arange(len(images), device=images.device)
        farthest = norms(start.maximum(1 - start), "l2")
        eps = farthest.clamp_max(init_norm)
        for step in range(steps + 1):
            with torch.set_grad_enabled(step < steps):
                logits = answer(model, x.requires_grad_(step < steps))
                if step == 0:
                    check_logits(logits, labels, targets)
                loss = rising(log_odds, logits, labels, targets)
            fooled = is_fooled(logits, labels, targets)
            pixels, x = x, x.detach()
            closest.see(x, fooled, norms(x - start, "l2"), rows)
            if step == steps or (step == 0 and fooled.all()):
                break
            gradient = input_gradient(loss, pixels)
            if step == 0 and fooled.any():  # already misclassified
                left = ~fooled
                x, gradient, start, rows, labels = (t[left] for t in (x, gradient, start, rows, labels))
                targets = None if targets is None else targets[left]
                eps, farthest, fooled = eps[left], farthest[left], fooled[left]
            alpha = LAST_STEP + (1 - LAST_STEP) * (1 + math.cos(math.pi * step / steps)) / 2
            eps = torch.where(fooled, (1 - gamma) * eps, (1 + gamma) * eps).minimum(farthest)
            delta = steepest(gradient, alpha, "l2", x).add_(x).sub_(start)
            length = norms(delta, "l2").clamp_min(torch.finfo(x.dtype).tiny)
            x = delta.mul_((eps / length)[:, None, None, None]).add_(start).clamp_(0, 1)
            if levels is not None:
                x = x.mul_(levels - 1).round_().div_(levels - 1)
            del gradient, logits, loss  # not alive beside the next forward pass
    return closest.images
