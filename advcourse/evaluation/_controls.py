"""Controls: what random perturbations of an attack's size do, which is what an attack must be compared with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from advcourse.core.balls import NORMS, norms
from advcourse.core.running import Model, detached, evaluating, predict, predicted
from advcourse.core.streams import Streams
from advcourse.core.validation import (
    check_answer,
    check_at_least,
    check_choice,
    check_count,
    check_images,
    check_inputs,
    check_logits,
    check_named,
)

if TYPE_CHECKING:
    import pandas

Control = Callable[[Tensor, int], Tensor]


def random_signs(images: Tensor, *, eps: float, norm: str, draws: Streams) -> Tensor:
    """Images moved by ±a in every pixel and channel, with a such that the move has norm ``eps``; then the box."""
    return _moved(images, draws.signs(*images.shape[1:]), eps, norm)


def random_direction(images: Tensor, *, eps: float, norm: str, draws: Streams) -> Tensor:
    """Images moved by ``eps`` in a direction drawn evenly from the sphere; then the box."""
    return _moved(images, draws.randn(*images.shape[1:]), eps, norm)


def random_points(images: Tensor, *, eps: float, norm: str, draws: Streams) -> Tensor:
    """Images of which entries in random order are set to 0 or 1, whichever is farther, until ``eps`` is spent.

    In linf, where a length costs nothing, every other entry moves, by ``eps`` at most.
    """
    rows = images.flatten(1)
    order = draws.rand(rows.shape[1]).argsort(1)
    room = torch.where(rows < 0.5, 1 - rows, -rows).gather(1, order)
    if norm == "linf":
        chosen = torch.arange(rows.shape[1], device=rows.device) < rows.shape[1] / 2
        moves = room.clamp(-eps, eps) * chosen
    else:
        power = 2 if norm == "l2" else 1
        left = (eps**power - (room.abs() ** power).cumsum(1) + room.abs() ** power).clamp_min(0) ** (1 / power)
        moves = room.sign() * room.abs().minimum(left)
    return (rows.scatter_add(1, order, moves)).view_as(images).clamp(0, 1)


def _moved(images: Tensor, direction: Tensor, eps: float, norm: str) -> Tensor:
    length = norms(direction, norm).clamp_min(torch.finfo(images.dtype).tiny)
    return (images + direction * (eps / length)[:, None, None, None]).clamp(0, 1)


KINDS = {"random signs": random_signs, "random direction": random_direction, "random points": random_points}


def controls(
    model: Model,
    images: Tensor,
    labels: Tensor,
    *,
    eps: float,
    norm: str = "linf",
    draws: int = 10,
    seed: int = 0,
    others: Mapping[str, Control] | None = None,
    batch_size: int | None = None,
) -> pandas.DataFrame:
    """Accuracy under random perturbations of norm ``eps``: the rows that every table of an attack's success needs.

    The rows are::

        random signs       ±a in every pixel and channel
        random direction   evenly drawn from the sphere (a Gaussian, scaled)
        random points      entries in random order set to 0 or 1 until eps is spent; in linf moved by eps, half of them

    each of norm ``eps`` before the box cuts it, and those of ``others``.

    Args:
        model: maps images to logits ``(N, K)``; in eval mode, and then back in its own.
        images: ``(N, C, H, W)`` in [0, 1].
        labels: int64 ``(N,)``.
        eps: size, in pixel units of [0, 1].
        norm: ``"linf"``, ``"l2"`` or ``"l1"``.
        draws: independent draws of each kind.
        seed: of the draws, which depend on it and on an image's place alone.
        others: further controls by name, ``(images, draw) -> images``, ``draw`` counting from 0: a random field for a
            motion field, a random recolouring, a photograph in place of a patch.
        batch_size: images shown at a time, 256 where it is not given.

    Returns:
        A table, one row a control, with the columns ``accuracy`` (mean over the draws), ``deviation`` (standard
        deviation over the draws), ``worst`` (an image counts where it is right in every draw) and ``success rate``
        (mean share of the images right before that are wrong after).

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: random signs as the baseline of an attack: Goodfellow, Shlens & Szegedy 2015, arXiv:1412.6572, section 4.
    """
    import pandas

    check_inputs(model, images, labels)
    check_at_least(0, eps=eps)
    check_choice("norm", norm, NORMS)
    check_count(draws=draws)
    check_count(optional=True, batch_size=batch_size)
    others = {} if others is None else others
    check_named("others", others, "controls", reserved=KINDS)
    images, size = detached(images), int(batch_size or 256)
    rows = {}
    with evaluating(model):
        before = predict(model, images, batch_size=size)
        check_logits(before, labels)
        right = predicted(before) == labels
        for name, kind in KINDS.items():
            streams = Streams(seed, name, images)
            moved = (kind(images, eps=float(eps), norm=norm, draws=streams) for _ in range(draws))
            rows[name] = _row(torch.stack([_right(model, x, labels, size) for x in moved]), right)
        for name, other in others.items():
            shown = (_checked(other(images.clone(), draw), images, name) for draw in range(draws))
            rows[name] = _row(torch.stack([_right(model, x, labels, size) for x in shown]), right)
    return pandas.DataFrame.from_dict(rows, orient="index").rename_axis("control")


def _right(model: Model, x: Tensor, labels: Tensor, batch_size: int) -> Tensor:
    logits = predict(model, x, batch_size=batch_size)
    check_answer(logits, len(labels))
    return predicted(logits) == labels


def _row(kept: Tensor, right: Tensor) -> dict[str, float]:
    """From whether each image is right, ``(draws, N)``, and was right before, ``(N,)``."""
    kept, right = kept.cpu(), right.cpu()
    shares = kept.double().mean(1)
    lost = (~kept & right).sum().item() / max(1, len(kept) * int(right.sum()))
    return {
        "accuracy": shares.mean().item(),
        "deviation": shares.std(correction=1).item() if len(kept) > 1 else 0.0,
        "worst": kept.all(0).double().mean().item(),
        "success rate": lost if right.any() else float("nan"),
    }


def _checked(result: Tensor, images: Tensor, name: str) -> Tensor:
    check_images(result, f"others[{name!r}]'s result")
    found, expected = ((tuple(t.shape), t.dtype, t.device) for t in (result, images))
    if found != expected:
        raise ValueError(f"others[{name!r}] returned {found}, expected {expected}")
    return detached(result)
