"""PDPGD: descent on the Lagrangian of distance and margin, whose multiplier follows the boundary."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from advcourse.core.balls import NORMS, norms, water_level
from advcourse.core.iterates import Closest, adam_
from advcourse.core.losses import input_gradient, margin, rising
from advcourse.core.running import Model, answer, detached, first_look, is_fooled, untouched
from advcourse.core.validation import check_at_least, check_choice, check_count, check_inputs

STEP_AT_LAST, DUAL_AT_LAST = 0.01, 0.1
FIRST_RATIO, LEAST_RATIO = 0.01, 1e-6
WEIGHT_MEMORY = 0.9
LEAST_METRIC = 0.1


def pdpgd(
    model: Model,
    images: Tensor,
    labels: Tensor,
    *,
    norm: str = "l2",
    steps: int = 500,
    step_size: float = 0.1,
    dual_step: float = 0.1,
    targets: Tensor | None = None,
) -> Tensor:
    """Primal-dual proximal gradient descent: a game between the perturbation and the price of staying correct.

    The Lagrangian of "the shortest δ with m(x + δ) ≤ 0", m = z_y - max_{j≠y} zⱼ, is descended in δ and ascended in its
    multiplier. Step k is, in linf and l1::

        gₖ   = ∇ log(1 + e^m)                                               at x + δₖ
        r    = clamp(x + δₖ - ηₖ Adam(gₖ), 0, 1) - x
        δₖ₊₁ = argmin_δ μₖ ‖δ‖ + Σᵢ dᵢ (δᵢ - rᵢ)² / (2 ηₖ)
        λₖ₊₁ = λₖ + θₖ sign(m)

    where d is the root that Adam divides by (in l1 at least ``LEAST_METRIC`` of the image's largest: else entries of
    small gradient are given up at once), and μₖ = (1 - w) / w with w the running mean of 1 / (1 + e^-λ): while an
    image is classified correctly its λ grows and distance counts less. The minimum is a threshold for each entry in
    l1, one for all in linf. In l2 Adam descends w log(1 + e^m) + (1 - w) ‖δ‖ itself. η falls by the power of
    k / steps to ``STEP_AT_LAST`` of its first value, θ evenly to ``DUAL_AT_LAST``.

    When to use it: for the shortest perturbations in l1, and in linf on networks that were trained adversarially, with
    some hundreds of steps. Costs ``steps + 1`` forward and ``steps`` backward passes, and a forward pass that sorts
    out the misclassified.

    Args:
        model: maps images to logits ``(N, K)``, K ≥ 2; runs in the mode it is in.
        images: ``(N, C, H, W)`` in [0, 1].
        labels: int64 ``(N,)``.
        norm: ``"l2"``, ``"linf"`` or ``"l1"``: what is to be small.
        steps: number of steps.
        step_size: η₀, of Adam, in pixel units of [0, 1].
        dual_step: θ₀, by how much λ, the logarithm of the odds of the two weights, changes.
        targets: int64 ``(N,)``: the classes to reach; m is then max_{j≠t} zⱼ - zₜ.

    Returns:
        Images ``(N, C, H, W)`` in [0, 1], without a graph: the closest that fooled; the image itself where none
        did, or where it is already misclassified (predicted as its target).

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: Matyasko & Chau 2021, arXiv:2106.01538; its proximal step in Adam's metric is solved
    in closed form here.
    """
    check_inputs(model, images, labels, targets)
    check_choice("norm", norm, NORMS)
    check_count(steps=steps)
    check_at_least(0, step_size=step_size, dual_step=dual_step)
    steps = int(steps)
    with untouched(model, images):
        images = detached(images)
        closest = Closest(images)
        _, rows = first_look(model, images, labels, targets)
        start, labels = images[rows], labels[rows]
        targets = None if targets is None else targets[rows]
        x, mean, square = start.clone(), torch.zeros_like(start), torch.zeros_like(start)
        odds = start.new_full((len(rows), 1, 1, 1), -math.log(FIRST_RATIO))
        weight = odds.sigmoid()
        for step in range(steps if len(rows) else 0):
            logits = answer(model, x.requires_grad_())
            height = F.softplus(-rising(margin, logits, labels, targets))
            gradient = input_gradient(height, x)
            fooled, x = is_fooled(logits, labels, targets), x.detach()
            delta = x - start
            length = norms(delta, norm)
            closest.see(x, fooled, length, rows)
            del logits, height
            if norm == "l2":
                unit = delta.div_(length.clamp_min(torch.finfo(x.dtype).tiny)[:, None, None, None])
                gradient.mul_(weight).add_(unit.mul_(1 - weight))
            rate = step_size * STEP_AT_LAST ** (step / steps)
            adam_(x, gradient, mean, square, step + 1, rate)
            x.clamp_(0, 1)
            del gradient, delta  # not alive beside the next forward pass
            if norm != "l2":
                metric = square.div(1 - 0.999 ** (step + 1)).sqrt_().add_(1e-8)
                price = (1 / weight - 1) * rate
                if norm == "l1":
                    metric = metric.maximum(LEAST_METRIC * metric.amax((1, 2, 3), keepdim=True))
                shrink = sparser if norm == "l1" else flatter
                x = shrink(x.sub_(start), metric, price).add_(start).clamp_(0, 1)
                del metric
            left = 1 - step / max(1, steps - 1)
            change = dual_step * (DUAL_AT_LAST + (1 - DUAL_AT_LAST) * left)
            odds += torch.where(fooled, -change, change)[:, None, None, None]
            odds.clamp_(math.log(LEAST_RATIO), -math.log(LEAST_RATIO))
            weight = weight.lerp(odds.sigmoid(), 1 - WEIGHT_MEMORY)
        if len(rows):
            with torch.no_grad():
                fooled = is_fooled(answer(model, x), labels, targets)
            closest.see(x, fooled, norms(x - start, norm), rows)
    return closest.images


def sparser(r: Tensor, metric: Tensor, price: Tensor) -> Tensor:
    """argmin_δ price ‖δ‖₁ + Σᵢ dᵢ (δᵢ - rᵢ)² / 2: every entry is lowered by price / dᵢ, to zero at the least."""
    threshold = price / metric
    return r.sub_(r.clamp(-threshold, threshold))


def flatter(r: Tensor, metric: Tensor, price: Tensor) -> Tensor:
    """argmin_δ price ‖δ‖_∞ + Σᵢ dᵢ (δᵢ - rᵢ)² / 2: entries above t become t, where Σᵢ dᵢ max(|rᵢ| - t, 0) = price."""
    top = water_level(r.abs().flatten(1), metric.flatten(1), price.flatten(1))[..., None, None]
    return r.clamp_(-top, top)
