"""The fast gradient method: one step along the loss gradient, of its sign in linf."""

from __future__ import annotations

from torch import Tensor

from advcourse.core.balls import NORMS, steepest
from advcourse.core.losses import input_gradient, log_odds, rising
from advcourse.core.running import Model, detached, logits_of, untouched
from advcourse.core.validation import check_at_least, check_choice, check_inputs


def fgsm(
    model: Model, images: Tensor, labels: Tensor, *, eps: float, norm: str = "linf", targets: Tensor | None = None
) -> Tensor:
    """Fast gradient sign method: one step of size ``eps``, which maximises the linearised loss in the linf ball.

    The step is::

        x̃ = clamp(x + ε d(∇ₓℓ(f(x), y)), 0, 1)

    with d the sign; in l2, the fast gradient method, the normalised gradient, and in l1 the pixels of largest gradient,
    which share ε as far as the box lets them. Targeted: x + ε d(-∇ₓℓ(f(x), ỹ)). Costs one forward and one backward
    pass.

    Args:
        model: maps images to logits ``(N, K)``; runs in the mode it is in.
        images: ``(N, C, H, W)`` in [0, 1].
        labels: int64 ``(N,)``.
        eps: length of the step in ``norm``, in pixel units of [0, 1].
        norm: ``"linf"``, ``"l2"`` or ``"l1"``.
        targets: int64 ``(N,)``: the classes to reach, in place of any but ``labels``.

    Returns:
        Images ``(N, C, H, W)`` in [0, 1], within ``eps`` of ``images`` in ``norm``, without a graph.

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: Goodfellow, Shlens & Szegedy 2015, arXiv:1412.6572, section 4; in l2 Miyato, Dai & Goodfellow 2017,
    arXiv:1605.07725, section 3; in l1 Tramer & Boneh 2019, arXiv:1904.13000.
    """
    check_inputs(model, images, labels, targets)
    check_at_least(0, eps=eps)
    check_choice("norm", norm, NORMS)
    with untouched(model, images):
        x = detached(images).clone().requires_grad_()
        logits = logits_of(model, x, labels, targets)
        loss = rising(log_odds, logits, labels, targets)
        gradient = input_gradient(loss, x)
    start = detached(images)
    return steepest(gradient, eps, norm, start).add_(start).clamp_(0, 1)
