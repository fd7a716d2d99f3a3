"""The fast gradient method for Keras models."""

from __future__ import annotations

from typing import Any

from keras import ops

from advcourse.core.validation import check_at_least, check_choice
from advcourse.keras._balls import odds_against, steepest_step
from advcourse.keras._checks import as_given, as_tensors
from advcourse.keras._passes import gradient_at, unchanged_call


def fgsm(model: Any, images: Any, labels: Any, *, eps: float, norm: str = "linf", targets: Any = None) -> Any:
    """Fast gradient sign method for a Keras model: one step of size ``eps``, as ``attacks.fgsm`` takes it.

    The step is::

        x̃ = clip(x + ε d(∇ₓℓ(f(x), y)), 0, 1)

    with d the sign, or in l2 the normalised gradient. Targeted: x + ε d(-∇ₓℓ(f(x), ỹ)).

    Args:
        model: a Keras model that maps images to logits ``(N, K)``; called with ``training=False``.
        images: ``(N, H, W, C)`` in [0, 1], an array or a tensor of the backend.
        labels: integers ``(N,)``.
        eps: length of the step in ``norm``, in pixel units of [0, 1].
        norm: ``"linf"`` or ``"l2"``.
        targets: integers ``(N,)``: the classes to reach, in place of any but ``labels``.

    Returns:
        Images ``(N, H, W, C)`` in [0, 1], within ``eps`` of ``images``: an array where ``images`` is one, else a
        tensor.

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: Goodfellow, Shlens & Szegedy 2015, arXiv:1412.6572, section 4; in l2 Miyato, Dai & Goodfellow 2017,
    arXiv:1605.07725, section 3.
    """
    check_at_least(0, eps=eps)
    check_choice("norm", norm, ("linf", "l2"))
    start, label, target = as_tensors(images, labels, targets)

    def loss(x: Any) -> tuple[Any, None]:
        logits = unchanged_call(model, x)
        values = odds_against(logits, label) if target is None else -odds_against(logits, target)
        return ops.sum(values), None

    gradient, _ = gradient_at(loss, start)
    return as_given(ops.clip(start + steepest_step(gradient, eps, norm), 0.0, 1.0), images)
