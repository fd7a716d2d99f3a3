"""Iterated FGSM: sign steps, each image stopping as soon as it is fooled."""

from __future__ import annotations

import torch
from torch import Tensor

from advcourse.core.iterates import Strongest
from advcourse.core.losses import input_gradient, log_odds, rising
from advcourse.core.running import Model, detached, is_fooled, logits_of, untouched
from advcourse.core.validation import check_at_least, check_count, check_inputs


def ifgsm(
    model: Model,
    images: Tensor,
    labels: Tensor,
    *,
    step_size: float,
    steps: int,
    eps: float | None = None,
    targets: Tensor | None = None,
) -> Tensor:
    """Iterated FGSM: at most ``steps`` sign steps, each image stopping as soon as it is fooled.

    The steps are::

        xᵏ⁺¹ = clamp(xᵏ + α sign ∇ₓℓ(f(xᵏ), y), 0, 1)

    An image that is already misclassified comes back untouched; one that is never fooled comes back as its
    iterate of highest loss. An image fooled after t steps costs t + 1 forward passes and at most t + 1
    backward passes: the last forward is shared with images still being worked on, and a graph cannot be cut.

    Args:
        model: maps images to logits ``(N, K)``; runs in the mode it is in.
        images: ``(N, C, H, W)`` in [0, 1].
        labels: int64 ``(N,)``.
        step_size: α, in pixel units of [0, 1].
        steps: at most so many steps.
        eps: where given, every iterate stays within ``eps`` of the image in linf.
        targets: int64 ``(N,)``: step along -sign ∇ₓℓ(f(xᵏ), ỹ) and stop when predicted as the target.

    Returns:
        Images ``(N, C, H, W)`` in [0, 1], without a graph.

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: Kurakin, Goodfellow & Bengio 2017, arXiv:1607.02533, section 2.2; the stop per image is the deck's.
    """
    check_inputs(model, images, labels, targets)
    check_at_least(0, step_size=step_size)
    check_at_least(0, optional=True, eps=eps)
    check_count(steps=steps)
    steps = int(steps)
    with untouched(model, images):
        x, start = detached(images).clone(), detached(images)
        strongest = Strongest(start)
        rows = torch.arange(len(images), device=images.device)
        for step in range(steps + 1):
            with torch.set_grad_enabled(step < steps):
                logits = logits_of(model, x.requires_grad_(step < steps), labels, targets)
                loss = rising(log_odds, logits, labels, targets)
            fooled = is_fooled(logits, labels, targets)
            strongest.see(x, fooled, loss, rows)
            going = ~fooled
            if step == steps or not going.any():
                break
            gradient = input_gradient(loss, x)[going]
            rows, labels, start = rows[going], labels[going], start[going]
            targets = None if targets is None else targets[going]
            x = x.detach()[going].add_(gradient.sign_(), alpha=step_size)
            if eps is not None:
                x = torch.clamp(x, start - eps, start + eps)
            x = x.clamp_(0, 1)
            del gradient, logits, loss  # not alive beside the next forward pass
    return strongest.images
