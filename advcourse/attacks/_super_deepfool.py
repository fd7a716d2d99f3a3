"""SuperDeepFool: DeepFool's perturbation, turned until it is perpendicular to the boundary that it reaches."""

from __future__ import annotations

import torch
from torch import Tensor

from advcourse.attacks._deepfool import deepfool
from advcourse.core.balls import norms, steepest
from advcourse.core.iterates import Closest
from advcourse.core.losses import input_gradient
from advcourse.core.running import Model, answer, detached, is_fooled, predicted, untouched
from advcourse.core.validation import check_at_least, check_count, check_inputs, check_logits


def super_deepfool(
    model: Model,
    images: Tensor,
    labels: Tensor,
    *,
    steps: int = 10,
    deepfool_steps: int = 50,
    overshoot: float = 0.02,
    search_steps: int = 10,
    candidates: int | None = None,
) -> Tensor:
    """SuperDeepFool: DeepFool and a projection onto the normal of the boundary in turn, then a search along the way.

    The shortest way to a boundary is perpendicular to it, and DeepFool's need not be. Step i is::

        x̃ = deepfool(xᵢ)
        w = ∇ₓ(z_k - z_y)(x̃)                              k the class of x̃
        xᵢ₊₁ = clamp(x + ((x̃ - x)ᵀ w / ‖w‖₂²) w, 0, 1)

    where x is the image, x₀ = x, z the logits and y the label. It ends for an image once xᵢ₊₁ fools, which falls short
    of the boundary as long as the direction changes, or once DeepFool fails. At last the boundary between the image and
    the closest x̃ or xᵢ found is sought by halving.

    When to use it: for near-minimal l2 perturbations in few passes, without a setting to tune, as a better DeepFool;
    ``alma`` gets closer where the network is curved. A step costs what ``deepfool`` does, and one pass each way; the
    search ``search_steps`` forward passes.

    Args:
        model: maps images to logits ``(N, K)``, K ≥ 2; runs in the mode it is in.
        images: ``(N, C, H, W)`` in [0, 1].
        labels: int64 ``(N,)``.
        steps: at most so many steps.
        deepfool_steps: of DeepFool, at most, in each.
        overshoot: DeepFool's: how far past the estimated boundary it tests.
        search_steps: how often the way is halved at the end; 0 for no search.
        candidates: only so many classes of the highest logits are considered by DeepFool.

    Returns:
        Images ``(N, C, H, W)`` in [0, 1], without a graph: the closest that fooled; the image itself where none
        did, or where it is already misclassified.

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: Abdollahpourrostam et al. 2023, arXiv:2303.12481, algorithm 2 (SDF(∞, 1)) and its line search.
    """
    check_inputs(model, images, labels)
    check_count(steps=steps, deepfool_steps=deepfool_steps)
    check_count(at_least=0, search_steps=search_steps)
    check_at_least(0, overshoot=overshoot)
    with untouched(model, images):
        closest = Closest(detached(images))
        x, rows = detached(images), torch.arange(len(images), device=images.device)
        for _ in range(steps):
            beyond = deepfool(model, x, labels[rows], steps=deepfool_steps, overshoot=overshoot, candidates=candidates)
            moved = beyond.ne(x).flatten(1).any(1)  # else x fools already, or DeepFool has failed
            logits = answer(model, beyond.requires_grad_())
            check_logits(logits, labels[rows])
            fooled = is_fooled(logits, labels[rows])
            start = detached(images)[rows]
            delta = beyond.detach() - start
            closest.see(beyond, fooled, norms(delta, "l2"), rows)
            going = fooled & moved
            if not going.any():
                break
            reached = predicted(logits.detach()).clamp_min(0)
            ahead = logits.gather(1, reached[:, None]) - logits.gather(1, labels[rows, None])
            normal = steepest(input_gradient(ahead[:, 0], beyond), 1.0, "l2", beyond)
            along = (delta * normal).sum((1, 2, 3), keepdim=True)
            x, rows = normal.mul_(along).add_(start).clamp_(0, 1)[going], rows[going]
            del logits, ahead, beyond, delta  # not alive beside DeepFool
        halve(model, detached(images), labels, closest, search_steps)
    return closest.images


def halve(model: Model, images: Tensor, labels: Tensor, closest: Closest, steps: int) -> None:
    """Seek the boundary on the way from each image to its closest adversarial one; shows ``closest`` what it tests."""
    rows = ((closest.distance > 0) & closest.distance.isfinite()).nonzero()[:, 0]
    start, far, labels = images[rows], closest.images[rows], labels[rows]
    low = torch.zeros_like(start[:, :1, :1, :1])
    high = torch.ones_like(low)
    for _ in range(steps if len(rows) else 0):
        middle = (low + high) / 2
        x = start.lerp(far, middle)
        with torch.no_grad():
            fooled = is_fooled(answer(model, x), labels)
        closest.see(x, fooled, norms(x - start, "l2"), rows)
        inside = fooled[:, None, None, None]
        low, high = torch.where(inside, low, middle), torch.where(inside, middle, high)
