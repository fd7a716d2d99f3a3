"""ALMA: an augmented Lagrangian weighs distance against misclassification, image by image, within one run."""

from __future__ import annotations

import torch
from torch import Tensor

from advcourse.core.balls import norms
from advcourse.core.iterates import Closest
from advcourse.core.losses import input_gradient, margin, rising
from advcourse.core.running import Model, answer, detached, first_look, is_fooled, untouched
from advcourse.core.validation import (
    check_above,
    check_at_least,
    check_at_most,
    check_count,
    check_inputs,
)

CHECKED = 10
FALLEN = 0.95
RAISED = 1.2
LAST_RATE = 0.01
MULTIPLIERS = 1e-6, 1e12


def alma(
    model: Model,
    images: Tensor,
    labels: Tensor,
    *,
    steps: int = 1000,
    first_step: float = 0.15,
    smoothing: float = 0.8,
    targets: Tensor | None = None,
) -> Tensor:
    """ALMA: the closest adversarial image that RMSProp meets on an augmented Lagrangian, with a weight for each image.

    It seeks the least ‖δ‖₂ for which r(x + δ) < 0, where r is the ratio of logits of ``logit_ratio``. Step k is::

        μₖ = α μₖ₋₁ + (1 - α) ∂P(rₖ, ρₖ, μₖ₋₁)/∂r         (μ₀ = 1)
        gₖ = ∇_δ [‖δₖ‖₂ + P(r(x + δₖ), ρₖ, μₖ)]
        vₖ = α vₖ₋₁ + (1 - α) gₖ²                          (v₋₁ = 1)
        bₖ = α bₖ₋₁ + gₖ / (√vₖ + 10⁻⁸)                    (b₋₁ = 0)
        δₖ₊₁ = clamp(x + δₖ - ηₖ bₖ, 0, 1) - x

    with the penalty P of ``penalty_slope``. All of it is per image. ρ starts at 1; every ``CHECKED`` steps it is
    multiplied by ``RAISED`` for an image that has never been fooled and whose r has not fallen to ``FALLEN`` of what
    it was. The rate is such that η₀ times the first gradient has norm ``first_step`` in the box; from an image's first
    success on it falls exponentially, to ``LAST_RATE`` of that at the last step.

    When to use it: for the shortest l2 perturbations, where gradients are no help to ``ddn``, ``fmn`` or
    ``carlini_wagner`` with its search for a constant: adversarially trained networks, a few hundred steps and more.
    Costs ``steps + 1`` forward and ``steps`` backward passes, and a forward pass that sorts out the misclassified.

    Args:
        model: maps images to logits ``(N, K)``, K ≥ 2; runs in the mode it is in.
        images: ``(N, C, H, W)`` in [0, 1].
        labels: int64 ``(N,)``.
        steps: number of steps.
        first_step: l2 norm that sets the first rate, above 0, in pixel units of [0, 1].
        smoothing: α, of the multiplier, the squares and the momentum, in [0, 1]; the paper's is 0.9, for 1000 steps.
        targets: int64 ``(N,)``: the classes to reach.

    Returns:
        Images ``(N, C, H, W)`` in [0, 1], without a graph: the closest that fooled; the image itself where none
        did, or where it is already misclassified (predicted as its target).

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: Rony et al. 2021, arXiv:2011.11857, algorithm 2 with the penalty P2.
    """
    check_inputs(model, images, labels, targets)
    check_count(steps=steps)
    check_above(0, first_step=first_step)
    check_at_least(0, smoothing=smoothing)
    check_at_most(1, smoothing=smoothing)
    steps = int(steps)
    with untouched(model, images):
        images = detached(images)
        closest = Closest(images)
        logits, rows = first_look(model, images, labels, targets)
        if not len(rows):
            return closest.images
        start, labels = images[rows], labels[rows]
        targets = None if targets is None else targets[rows]
        unit = rising(margin, logits[rows], labels, targets).abs()
        x, square, momentum = start.clone(), torch.ones_like(start), torch.zeros_like(start)
        mu, rho = torch.ones_like(start[:, 0, 0, 0]), torch.ones_like(start[:, 0, 0, 0])
        first = torch.full_like(mu, steps)  # the step of an image's first success
        for step in range(steps):
            logits = answer(model, x.requires_grad_())
            r = logit_ratio(logits, labels, targets, unit)
            gradient = input_gradient(r, x)
            fooled, x, r = is_fooled(logits, labels, targets), x.detach(), r.detach().nan_to_num(0, 0, 0).to(x.dtype)
            delta = x - start
            length = norms(delta, "l2")
            closest.see(x, fooled, length, rows)
            first = torch.where(fooled, first.clamp_max(step), first)
            if step == 0:
                before = r
            elif (step + 1) % CHECKED == 0:
                stuck = (first == steps) & (r >= FALLEN * before)
                rho, before = torch.where(stuck, RAISED * rho, rho), r
            if step:
                mu = mu.lerp(penalty_slope(r, rho, mu), 1 - smoothing).clamp_(*MULTIPLIERS)
            gradient.mul_(penalty_slope(r, rho, mu)[:, None, None, None])
            gradient.addcdiv_(delta, length.clamp_min(torch.finfo(x.dtype).tiny)[:, None, None, None])
            if step == 0:
                rate = first_rate(start, gradient, first_step)
            square.mul_(smoothing).addcmul_(gradient, gradient, value=1 - smoothing)
            momentum.mul_(smoothing).addcdiv_(gradient, square.sqrt().add_(1e-8))
            since = (step - first).clamp_min(0) / (steps - first).clamp_min(1)
            x = x.addcmul(momentum, (rate * LAST_RATE**since)[:, None, None, None], value=-1).clamp_(0, 1)
            del gradient, delta, logits, r  # not alive beside the next forward pass
        with torch.no_grad():
            fooled = is_fooled(answer(model, x), labels, targets)
        closest.see(x, fooled, norms(x - start, "l2"), rows)
    return closest.images


def logit_ratio(logits: Tensor, labels: Tensor, targets: Tensor | None, unit: Tensor) -> Tensor:
    """How far each image is from success, in units of its logits, ``(N,)``: negative where it fools.

    With z₍₁₎ ≥ z₍₂₎ ≥ … the sorted logits it is::

        r = (z_y - max_{j≠y} zⱼ) / (z₍₁₎ - z₍₃₎)                       untargeted, of 3 classes or more
        r = (max_{j≠t} zⱼ - zₜ) / (z₍₁₎ - (z₍₃₎ + z₍₄₎) / 2)            targeted, of 4 classes or more

    which the scale of the logits does not change. Of fewer classes these ratios are constant or missing, and the
    numerator is divided by ``unit``: its size at the unperturbed image.

    Source: Croce & Hein 2020, arXiv:2003.01690, equations 6 and 7, the first with its sign made that of the margin.
    """
    away = -rising(margin, logits, labels, targets)
    classes = logits.shape[1]
    if classes > (2 if targets is None else 3):
        top = logits.topk(3 if targets is None else 4, 1).values
        unit = top[:, 0] - (top[:, 2] if targets is None else (top[:, 2] + top[:, 3]) / 2)
    return away / unit.clamp_min(torch.finfo(unit.dtype).eps)


def penalty_slope(r: Tensor, rho: Tensor, mu: Tensor) -> Tensor:
    """The derivative by r of the penalty P2, ``(N,)``.

    The penalty is::

        P(r, ρ, μ) = μ r + μ ρ r² + ρ² r³ / 6    for r ≥ 0
                     μ r / (1 - ρ r)             for r ≤ 0

    with slope μ at 0 and none far inside. Source: Birgin, Castillo & Martínez 2005, as P2.
    """
    outside, inside = r.clamp_min(0), r.clamp_max(0)
    return torch.where(r > 0, mu + 2 * mu * rho * outside + (rho * outside).square() / 2, mu / (1 - rho * inside) ** 2)


def first_rate(images: Tensor, gradient: Tensor, distance: float) -> Tensor:
    """The rate at which a step down the gradient, cut at the box, has norm ``distance``, ``(N,)``.

    It is 0 where there is no gradient, and large where the box is too narrow for that distance.
    """
    length = norms(gradient, "l2")
    low = torch.where(length > 0, distance / length, torch.zeros_like(length))  # the box can only ask for more
    high = 2 * low

    def short(rate: Tensor) -> Tensor:
        moved = images.addcmul(gradient, rate[:, None, None, None], value=-1).clamp_(0, 1).sub_(images)
        return norms(moved, "l2") < distance

    for _ in range(20):
        further = short(high)
        low, high = torch.where(further, high, low), torch.where(further, 2 * high, high)
    for _ in range(20):
        middle = (low + high) / 2
        further = short(middle)
        low, high = torch.where(further, middle, low), torch.where(further, high, middle)
    return (low + high) / 2
