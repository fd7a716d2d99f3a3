"""Steps of norm balls, projections onto them, and losses per image, in ``keras.ops``: ``core.balls`` and
``core.losses`` for another framework."""

from __future__ import annotations

from typing import Any

from keras import ops


def _column(values: Any, like: Any) -> Any:
    """One value per sample, shaped to multiply ``like``."""
    return ops.reshape(values, (-1,) + (1,) * (len(like.shape) - 1))


def _flat(x: Any) -> Any:
    return ops.reshape(x, (ops.shape(x)[0], -1))


def _or_one(values: Any) -> Any:
    """The values, with one in the place of zero: a divisor."""
    return ops.where(values > 0, values, ops.ones_like(values))


def _length(x: Any) -> Any:
    """l2 norm of each sample, ``(N,)``."""
    return ops.sqrt(ops.sum(ops.square(_flat(x)), axis=1))


def steepest_step(gradient: Any, step_size: float, norm: str) -> Any:
    """The step of norm ``step_size`` along which the linearised loss rises most; zero where the gradient is zero.

    linf: the sign. l2: the normalised gradient. l1: all of it on the largest coordinate, shared evenly where several
    tie.
    """
    if norm == "linf":
        return step_size * ops.sign(gradient)
    largest = ops.max(ops.abs(_flat(gradient)), axis=1)
    scaled = gradient / _column(_or_one(largest), gradient)  # no square of a tiny gradient vanishes
    if norm == "l1":
        scaled = ops.sign(scaled) * ops.cast(ops.abs(gradient) == _column(largest, gradient), gradient.dtype)
        return step_size * scaled / _column(_or_one(ops.sum(ops.abs(_flat(scaled)), axis=1)), gradient)
    return step_size * scaled / _column(_or_one(_length(scaled)), gradient)


def project_step(x: Any, images: Any, eps: float, norm: str) -> Any:
    """``x`` moved to the nearest point of the linf or l2 ball of radius ``eps`` around ``images``, then of the box."""
    delta = x - images
    if norm == "linf":
        delta = ops.clip(delta, -eps, eps)
    else:
        length = _length(delta)
        delta = delta * _column(ops.where(length > eps, eps / _or_one(length), ops.ones_like(length)), delta)
    return ops.clip(images + delta, 0.0, 1.0)


def odds_against(logits: Any, labels: Any) -> Any:
    """Log-odds against the label, m = log Σ_{j≠y} exp zⱼ - z_y, ``(N,)``: it rises with the cross-entropy."""
    own = ops.one_hot(labels, logits.shape[1], dtype="bool")
    others = ops.where(own, ops.full_like(logits, -float("inf")), logits)
    return ops.logsumexp(others, axis=1) - ops.sum(ops.where(own, logits, ops.zeros_like(logits)), axis=1)


def entropy_of(logits: Any, labels: Any) -> Any:
    """Cross-entropy per image, log(1 + exp m) with m the log-odds against the label."""
    return ops.softplus(odds_against(logits, labels))
