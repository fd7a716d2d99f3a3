"""σ-zero: descent on a smooth count of the changed entries, cut at a threshold that follows the boundary."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from advcourse.core.balls import by_largest
from advcourse.core.iterates import Closest, adam_
from advcourse.core.losses import input_gradient, margin, rising
from advcourse.core.running import Model, answer, detached, first_look, is_fooled, untouched
from advcourse.core.validation import (
    check_above,
    check_at_least,
    check_at_most,
    check_count,
    check_inputs,
)

FIRST_THRESHOLD = 0.3
SLOWEST = 0.1


def sigma_zero(
    model: Model,
    images: Tensor,
    labels: Tensor,
    *,
    steps: int = 1000,
    step_size: float = 1.0,
    sigma: float = 1e-3,
    threshold_rate: float = 0.01,
    targets: Tensor | None = None,
) -> Tensor:
    """σ-zero: the adversarial image with the fewest changed entries that descent on a smooth l0 norm meets.

    Step k is::

        gₖ = ∇_δ [max(z_y - max_{j≠y} zⱼ, 0) + (1/d) Σᵢ δᵢ² / (δᵢ² + σ)]     at x + δₖ, over d entries
        δ' = clamp(x + δₖ - ηₖ Adam(gₖ / ‖gₖ‖_∞), 0, 1) - x
        τₖ₊₁ = τₖ ± t ηₖ
        δₖ₊₁ = δ' with entries below τₖ₊₁ in size set to 0

    with ``+`` where x + δₖ fools and ``-`` where it does not, τ₀ = ``FIRST_THRESHOLD``, kept in [0, 1] and per image;
    targeted, the hinge is ``max(max_{j≠t} zⱼ - zₜ, 0)``. ηₖ falls along half a cosine to ``SLOWEST`` of η₀.

    When to use it: for few changed pixels, by however much each: the sharpest attack in l0. ``fmn`` with
    ``norm="l0"`` is coarser. The hinge is in units of the logits, so that a network with tiny logits is attacked less
    well. Costs ``steps + 1`` forward and ``steps`` backward passes, and a forward pass that sorts out the
    misclassified.

    Args:
        model: maps images to logits ``(N, K)``, K ≥ 2; runs in the mode it is in.
        images: ``(N, C, H, W)`` in [0, 1].
        labels: int64 ``(N,)``.
        steps: number of steps.
        step_size: η₀, of Adam, in pixel units of [0, 1].
        sigma: σ, above 0: how sharply the smooth norm counts.
        threshold_rate: t, by how much the threshold moves for a step of one, in [0, 1].
        targets: int64 ``(N,)``: the classes to reach.

    Returns:
        Images ``(N, C, H, W)`` in [0, 1], without a graph: of those that fooled the one that differs in the fewest
        entries of ``(C, H, W)``, where a pixel of three colours counts up to three times; the image itself where none
        did, or where it is already misclassified (predicted as its target).

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: Cinà et al. 2024, arXiv:2402.01879, algorithm 1; Adam as in the authors' code.
    """
    check_inputs(model, images, labels, targets)
    check_count(steps=steps)
    check_at_least(0, step_size=step_size, threshold_rate=threshold_rate)
    check_at_most(1, threshold_rate=threshold_rate)
    check_above(0, sigma=sigma)
    steps = int(steps)
    with untouched(model, images):
        images = detached(images)
        fewest = Closest(images)
        _, rows = first_look(model, images, labels, targets)
        start, labels = images[rows], labels[rows]
        targets = None if targets is None else targets[rows]
        x, mean, square = start.clone(), torch.zeros_like(start), torch.zeros_like(start)
        threshold = torch.full_like(start[:, :1, :1, :1], FIRST_THRESHOLD)
        for step in range(steps if len(rows) else 0):
            logits = answer(model, x.requires_grad_())
            hinge = rising(margin, logits, labels, targets).clamp_max(0)
            gradient = input_gradient(hinge, x).neg_()
            fooled, x = is_fooled(logits, labels, targets), x.detach()
            fewest.see(x, fooled, changed(x, start), rows)
            gradient += count_gradient(x - start, sigma)
            rate = step_size * (SLOWEST + (1 - SLOWEST) * (1 + math.cos(math.pi * step / steps)) / 2)
            adam_(x, by_largest(gradient), mean, square, step + 1, rate)
            x.clamp_(0, 1)
            threshold += torch.where(fooled, threshold_rate * rate, -threshold_rate * rate)[:, None, None, None]
            threshold.clamp_(0, 1)
            x = torch.where((x - start).abs_() < threshold, start, x)
            del gradient, logits, hinge  # not alive beside the next forward pass
        if len(rows):
            with torch.no_grad():
                fooled = is_fooled(answer(model, x), labels, targets)
            fewest.see(x, fooled, changed(x, start), rows)
    return fewest.images


def changed(x: Tensor, images: Tensor) -> Tensor:
    """In how many entries each image differs, ``(N,)``."""
    return x.ne(images).flatten(1).sum(1).to(x.dtype)


def count_gradient(delta: Tensor, sigma: float) -> Tensor:
    """The gradient of (1/d) Σᵢ δᵢ² / (δᵢ² + σ), which is 2 σ δᵢ / (d (δᵢ² + σ)²)."""
    return delta.mul(2 * sigma / delta[0].numel()).div_(delta.square().add_(sigma).square_())
