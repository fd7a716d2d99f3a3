"""Fast minimum norm: steps of the gradient, projected onto a ball whose radius follows the boundary."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from advcourse.core.balls import norms, steepest, water_level
from advcourse.core.iterates import Closest
from advcourse.core.losses import input_gradient, margin, rising
from advcourse.core.running import Model, answer, detached, first_look, is_fooled, untouched
from advcourse.core.validation import (
    check_at_least,
    check_at_most,
    check_choice,
    check_count,
    check_inputs,
)

DUAL_OF = {"l0": "l2", "l1": "linf", "l2": "l2", "linf": "l1"}
STEP_AT_LAST = 0.01
GAMMA_AT_LAST = 0.02


def fmn(
    model: Model,
    images: Tensor,
    labels: Tensor,
    *,
    norm: str = "l2",
    steps: int = 100,
    step_size: float = 1.0,
    gamma: float = 0.05,
    targets: Tensor | None = None,
) -> Tensor:
    """Fast minimum norm: the closest of iterates in a ball that shrinks while they fool, and grows else.

    The steps are::

        gₖ = ∇ₓm(f(x + δₖ))
        εₖ₊₁ = min{(1 - γₖ) εₖ, least norm that fooled}   where x + δₖ fools
               (1 + γₖ) εₖ                                where it does not, but one before did
               (1 + γₖ) (‖δₖ‖ + |m(f(x + δₖ))| / ‖gₖ‖_q)  where none has fooled yet
        δₖ₊₁ = clamp(x + Π(δₖ + αₖ hₖ / ‖hₖ‖₂), 0, 1) - x

    with m = max_{j≠y} zⱼ - z_y, the margin of the logits (targeted, m = zₜ - max_{j≠t} zⱼ), q the dual of the norm, and
    Π the projection onto its ball of radius εₖ₊₁, in l2 onto the sphere as in the authors' code. hₖ is gₖ without the
    entries along which the box lets nothing move: the paper keeps these, and where they dominate it stops short. αₖ
    and γₖ fall along half a cosine, to ``STEP_AT_LAST`` and ``GAMMA_AT_LAST`` of their first values. In l0, ε is a
    count: it starts at 1 and changes by at least 1.

    When to use it: for a good minimal perturbation in any of four norms within some hundred passes. ``alma`` gets
    closer in l2 and ``sigma_zero`` in l0, with more steps. Costs ``steps + 1`` forward
    and ``steps`` backward passes, and a forward pass that sorts out the misclassified.

    Args:
        model: maps images to logits ``(N, K)``, K ≥ 2; runs in the mode it is in.
        images: ``(N, C, H, W)`` in [0, 1].
        labels: int64 ``(N,)``.
        norm: ``"l0"``, ``"l1"``, ``"l2"`` or ``"linf"``: what is to be small. l0 counts the entries of
            ``(C, H, W)`` that differ: a pixel of three colours counts up to three times.
        steps: number of steps.
        step_size: α₀, the l2 norm of the first step whatever the norm, in pixel units of [0, 1]; in linf, 10 serves
            better where images have to go far (adversarially trained networks on MNIST).
        gamma: γ₀, by how much the radius changes at first, in [0, 1].
        targets: int64 ``(N,)``: the classes to reach.

    Returns:
        Images ``(N, C, H, W)`` in [0, 1], without a graph: the closest that fooled; the image itself where none
        did, or where it is already misclassified (predicted as its target).

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: Pintor et al. 2021, arXiv:2102.12827, algorithm 1.
    """
    check_inputs(model, images, labels, targets)
    check_choice("norm", norm, tuple(DUAL_OF))
    check_count(steps=steps)
    check_at_least(0, step_size=step_size, gamma=gamma)
    check_at_most(1, gamma=gamma)
    steps = int(steps)
    with untouched(model, images):
        images = detached(images)
        closest = Closest(images)
        _, rows = first_look(model, images, labels, targets)
        start, labels = images[rows], labels[rows]
        targets = None if targets is None else targets[rows]
        x, farthest = start.clone(), sizes_of(start.maximum(1 - start), norm)
        eps, found = torch.ones_like(farthest), torch.zeros_like(farthest, dtype=torch.bool)
        for step in range(steps if len(rows) else 0):
            logits = answer(model, x.requires_grad_())
            m = rising(margin, logits, labels, targets)
            gradient = input_gradient(m, x)
            fooled, x, m = is_fooled(logits, labels, targets), x.detach(), m.detach()
            length = sizes_of(x - start, norm)
            closest.see(x, fooled, length, rows)
            found |= fooled
            cosine = (1 + math.cos(math.pi * step / steps)) / 2
            change = gamma * (GAMMA_AT_LAST + (1 - GAMMA_AT_LAST) * cosine)
            least = closest.distance[rows]
            if norm == "l0":
                fewer = (eps - 1).minimum((eps * (1 - change)).floor()).minimum(least).clamp_min(0)
                eps = torch.where(fooled, fewer, (eps + 1).maximum((eps * (1 + change)).floor()))
            else:
                boundary = (length + m.abs() / norms(gradient, DUAL_OF[norm])).nan_to_num(torch.inf)
                larger = torch.where(found, eps, boundary) * (1 + change)
                eps = torch.where(fooled, (eps * (1 - change)).minimum(least), larger)
            eps = eps.minimum(farthest)
            alpha = step_size * (STEP_AT_LAST + (1 - STEP_AT_LAST) * cosine)
            gradient.mul_(torch.where(gradient > 0, x < 1, x > 0))
            delta = steepest(gradient, alpha, "l2", x).add_(x).sub_(start)
            del gradient, logits, m  # not alive beside the next forward pass
            x = onto_ball_(delta, eps, norm).add_(start).clamp_(0, 1)
        if len(rows):
            with torch.no_grad():
                fooled = is_fooled(answer(model, x), labels, targets)
            closest.see(x, fooled, sizes_of(x - start, norm), rows)
    return closest.images


def sizes_of(delta: Tensor, norm: str) -> Tensor:
    """The norm of each perturbation, ``(N,)``; in l0 the number of its entries that are not zero."""
    return delta.ne(0).flatten(1).sum(1).to(delta.dtype) if norm == "l0" else norms(delta, norm)


def onto_ball_(delta: Tensor, eps: Tensor, norm: str) -> Tensor:
    """Each perturbation moved, in place, to the nearest of at most its ``eps``, ``(N,)``, in the norm; no box.

    In l2 a shorter one is made as long as ``eps``. In l1 the sizes are lowered by one threshold. In l0 the largest
    entries are kept, of equal ones the first.
    """
    if norm == "linf":
        radius = eps[:, None, None, None]
        return delta.clamp_(-radius, radius)
    if norm == "l2":
        length = norms(delta, "l2").clamp_min(torch.finfo(delta.dtype).tiny)
        return delta.mul_((eps / length)[:, None, None, None])
    size, eps = delta.abs().flatten(1), eps[:, None]
    if norm == "l0":
        last = eps.long().clamp(1, size.shape[1])
        least = size.topk(int(last.max()), dim=1).values.gather(1, last - 1)
        above, tied = size > least, size == least
        kept = above | (tied & (tied.cumsum(1) <= eps - above.sum(1, keepdim=True)))
        return delta.mul_(kept.view_as(delta))
    threshold = water_level(size, torch.ones_like(size), eps)[..., None, None]
    return delta.sub_(delta.clamp(-threshold, threshold))
