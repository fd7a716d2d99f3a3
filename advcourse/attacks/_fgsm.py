"""The fast gradient sign method: one step along the sign of the loss gradient."""

from __future__ import annotations

from torch import Tensor

from advcourse.core.losses import input_gradient, log_odds, rising
from advcourse.core.running import Model, detached, logits_of, untouched
from advcourse.core.validation import check_at_least, check_inputs


def fgsm(model: Model, images: Tensor, labels: Tensor, *, eps: float, targets: Tensor | None = None) -> Tensor:
    """Fast gradient sign method: one step of size ``eps``, which maximises the linearised loss in the linf ball.

    The step is::

        x̃ = clamp(x + ε sign ∇ₓℓ(f(x), y), 0, 1)

    Targeted: x - ε sign ∇ₓℓ(f(x), ỹ). Costs one forward and one backward pass.

    Args:
        model: maps images to logits ``(N, K)``; runs in the mode it is in.
        images: ``(N, C, H, W)`` in [0, 1].
        labels: int64 ``(N,)``.
        eps: step, in pixel units of [0, 1].
        targets: int64 ``(N,)``: the classes to reach, in place of any but ``labels``.

    Returns:
        Images ``(N, C, H, W)`` in [0, 1], within ``eps`` of ``images`` in linf, without a graph.

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: Goodfellow, Shlens & Szegedy 2015, arXiv:1412.6572, section 4.
    """
    check_inputs(model, images, labels, targets)
    check_at_least(0, eps=eps)
    with untouched(model, images):
        x = detached(images).clone().requires_grad_()
        logits = logits_of(model, x, labels, targets)
        loss = rising(log_odds, logits, labels, targets)
        gradient = input_gradient(loss, x)
    return detached(images).add(gradient.sign_(), alpha=eps).clamp_(0, 1)
