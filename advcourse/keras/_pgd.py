"""Projected gradient descent for Keras models."""

from __future__ import annotations

from typing import Any

from keras import ops

from advcourse.core.validation import check_at_least, check_choice, check_count
from advcourse.keras._balls import entropy_of, odds_against, project_step, steepest_step
from advcourse.keras._checks import as_given, as_tensors
from advcourse.keras._passes import gradient_at, unchanged_call


def pgd(
    model: Any,
    images: Any,
    labels: Any,
    *,
    eps: float,
    steps: int = 40,
    step_size: float | None = None,
    norm: str = "linf",
    targets: Any = None,
) -> Any:
    """Projected gradient descent on a Keras model, from δ = 0; returns each image's strongest iterate.

    The steps are those of ``attacks.pgd``::

        δᵏ⁺¹ = Π(δᵏ + α d(∇_δ L(x + δᵏ))),  Π the projection onto ‖δ‖ ≤ ε, x + δ clipped to [0, 1]
        L = ℓ(f(·), y)  or  ℓ(f(·), y) - ℓ(f(·), ỹ)

    with d the sign, or in l2 the normalised gradient. Strongest means fooled first, then higher loss; the last iterate
    is tested too. From the same weights both give the same images.

    Args:
        model: a Keras model that maps images to logits ``(N, K)``; called with ``training=False``.
        images: ``(N, H, W, C)`` in [0, 1], an array or a tensor of the backend.
        labels: integers ``(N,)``.
        eps: radius of the ball, in pixel units of [0, 1].
        steps: how many.
        step_size: α in the units of ``eps``; ``2.5 * eps / steps`` where it is not given.
        norm: ``"linf"`` or ``"l2"``.
        targets: integers ``(N,)``: the classes to reach.

    Returns:
        Images ``(N, H, W, C)`` in [0, 1], within ``eps`` of ``images``: an array where ``images`` is one, else a
        tensor.

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: Madry et al. 2018, arXiv:1706.06083, section 2.1; zero start and targeted loss are the deck's.
    """
    check_at_least(0, eps=eps)
    check_at_least(0, optional=True, step_size=step_size)
    check_count(steps=steps)
    check_choice("norm", norm, ("linf", "l2"))
    step_size = 2.5 * eps / steps if step_size is None else step_size
    start, label, target = as_tensors(images, labels, targets)

    def loss(x: Any) -> tuple[Any, tuple[Any, Any]]:
        logits = unchanged_call(model, x)
        if target is None:
            values = odds_against(logits, label)
        else:
            values = entropy_of(logits, label) - entropy_of(logits, target)
        return ops.sum(values), (logits, values)

    x, best = start, (start, ops.zeros_like(label) > 0, None)
    for _ in range(steps):
        gradient, (logits, values) = gradient_at(loss, x)
        best = _stronger(best, x, _fooled(logits, label, target), values)
        x = project_step(x + steepest_step(gradient, step_size, norm), start, eps, norm)
    _, (logits, values) = loss(x)
    return as_given(_stronger(best, x, _fooled(logits, label, target), values)[0], images)


def _fooled(logits: Any, labels: Any, targets: Any) -> Any:
    """Per image: predicted as its target, or without targets as anything but its label."""
    found = ops.cast(ops.argmax(logits, axis=1), labels.dtype)
    return found != labels if targets is None else found == targets


def _stronger(best: tuple[Any, Any, Any], x: Any, fooled: Any, loss: Any) -> tuple[Any, Any, Any]:
    """The stronger of two iterates, image by image, with whether it fools and its loss."""
    images, before, highest = best
    if highest is None:
        return x, fooled, loss
    better = ops.logical_or(
        ops.logical_and(fooled, ops.logical_not(before)), ops.logical_and(fooled == before, loss > highest)
    )
    kept = ops.where(ops.reshape(better, (-1, 1, 1, 1)), x, images)
    return kept, ops.logical_or(before, fooled), ops.where(better, loss, highest)
