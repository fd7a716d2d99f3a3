"""DeepFool: to the nearest boundary of the linearised model, until it is crossed."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from advcourse.core.balls import by_largest, norms, steepest
from advcourse.core.losses import input_gradient, note_vanishing
from advcourse.core.running import Model, answer, detached, eager, is_fooled, untouched
from advcourse.core.validation import (
    check_answer,
    check_at_least,
    check_choice,
    check_count,
    check_images,
    check_inputs,
    check_labels,
    check_logits,
    check_model,
)

DUAL = {"l2": "l2", "linf": "l1"}
EXTRA = 2e-4
MANY, FEW = 50, 10
"""Of more classes than the first only so many are considered where the caller does not say: the authors' default."""
BATCHED = 128
"""Rows of gradient (classes x images) that ``vmap`` takes at a time."""


def deepfool(
    model: Model,
    images: Tensor,
    labels: Tensor | None = None,
    *,
    steps: int = 50,
    overshoot: float = 0.02,
    candidates: int | None = None,
    norm: str = "l2",
    targets: Tensor | None = None,
) -> Tensor:
    """DeepFool: steps to the nearest boundary of the linearised model, each image until it is misclassified.

    Step i is::

        fₖ = zₖ(xᵢ) - z_y(xᵢ)
        wₖ = ∇fₖ(xᵢ)
        l = argmin_{k≠y} |fₖ| / ‖wₖ‖_q
        rᵢ = (|fₗ| / ‖wₗ‖₂²) wₗ  (l2)  or  (|fₗ| / ‖wₗ‖₁) sign wₗ  (linf)
        xᵢ₊₁ = clamp(x + (1 + η) Σ_{j≤i} rⱼ, 0, 1)

    where x is the image, x₀ = x, z the logits, y the label, and q the dual of the norm. With a target t there is one
    boundary, that between it and the likeliest other class, f = zₜ(xᵢ) - max_{k≠t} zₖ(xᵢ), until t is predicted.

    At the edge of the box, where pixels that should move cannot, steps shrink without crossing the boundary: from the
    second on they are longer by ``EXTRA``, and of the sum only what stays in the box is kept. An image fooled
    after t steps costs t + 1 forward passes and, with C classes considered (two where targets are given), t (C - 1)
    backward passes; in a batch at most (t + 1)(C - 1), since the graph cannot be cut before its last backward pass.

    Args:
        model: maps images to logits ``(N, K)``, K ≥ 2; runs in the mode it is in.
        images: ``(N, C, H, W)`` in [0, 1].
        labels: int64 ``(N,)``; the model's own predictions where they are not given.
        steps: at most so many steps.
        overshoot: η, how far past the estimated boundary to test.
        candidates: only so many classes of the highest logits are considered at every step, the label among them,
            ``2 <= candidates <= K``. Where it is not given, all of up to ``MANY`` classes and ``FEW`` of more.
        norm: ``"l2"`` or ``"linf"``: the norm that is to be small.
        targets: int64 ``(N,)`` for a targeted attack; whatever the ``candidates``, the target's boundary alone counts.

    Returns:
        Images ``(N, C, H, W)`` in [0, 1], without a graph: the misclassified (with targets, what is predicted as
        them) untouched, those never fooled as they were.

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: Moosavi-Dezfooli, Fawzi & Frossard 2016, arXiv:1511.04599, algorithm 2 and section 3.3.
    """
    if labels is None:
        check_images(images)
        check_model(model, images)
        if targets is not None:
            check_labels(targets, images, "targets")
    else:
        check_inputs(model, images, labels, targets)
    check_count(steps=steps)
    check_at_least(0, overshoot=overshoot)
    check_choice("norm", norm, tuple(DUAL))
    check_count(optional=True, at_least=2, candidates=candidates)
    steps = int(steps)
    with untouched(model, images), eager():
        result = detached(images).clone()
        x, start, total = result.clone(), detached(images), torch.zeros_like(result)
        rows = torch.arange(len(images), device=images.device)
        for step in range(steps + 1):
            with torch.set_grad_enabled(step < steps):
                logits = answer(model, x.requires_grad_(step < steps))
            if step == 0:
                check_answer(logits, len(x))
                if candidates is not None and candidates > logits.shape[1]:
                    raise ValueError(
                        f"candidates is {candidates}, expected at most {logits.shape[1]}: the model's classes"
                    )
            if labels is None:
                labels = logits.argmax(1)
            check_logits(logits, labels, targets)
            fooled = is_fooled(logits, labels, targets)
            result[rows[fooled]] = x.detach()[fooled]
            if step == steps or fooled.all():
                break
            distance, normal = nearest_boundary(logits, labels, x, candidates, norm, targets)
            going = ~fooled & distance.isfinite()
            x, rows, labels, start, total = (t.detach()[going] for t in (x, rows, labels, start, total))
            targets = None if targets is None else targets[going]
            if not len(rows):
                break
            length = (distance[going] + (EXTRA if step else 0))[:, None, None, None]
            total = (start + total + length * steepest(normal[going], 1.0, norm, x)).clamp_(0, 1) - start
            x = (start + (1 + overshoot) * total).clamp_(0, 1)
            del logits, normal  # not alive beside the next forward pass
    return result


def nearest_boundary(
    logits: Tensor,
    labels: Tensor,
    x: Tensor,
    candidates: int | None = None,
    norm: str = "l2",
    targets: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Distance to the nearest boundary of the linearised model, ``(N,)``, and the normal wₗ on it, as ``x``.

    The distance is infinite where no difference of logits depends on a pixel, and where logits are not finite.
    """
    classes = logits.shape[1]
    if candidates is None:
        candidates = classes if classes <= MANY else FEW
    count = int(candidates) - 1 if targets is None else 1
    here = (labels if targets is None else targets)[:, None]
    others = logits.detach().scatter(1, here, -torch.inf).topk(count, 1).indices
    gaps = logits.gather(1, others) - logits.gather(1, here)
    if targets is not None:
        gaps = -gaps
    distance = torch.full_like(logits[:, 0].detach(), torch.inf)
    normal = torch.zeros_like(x)
    for gap, w in zip(gaps.detach().unbind(1), gradients(gaps, x), strict=True):
        away = distance_to(gap, w, DUAL[norm])
        closer = away < distance
        distance = torch.where(closer, away, distance)
        normal = torch.where(closer[:, None, None, None], w, normal)
    return distance, normal


def distance_to(gap: Tensor, normal: Tensor, dual: str) -> Tensor:
    """|f| / ‖w‖ of each image, ``(N,)``; not finite where w is zero."""
    # not by norms(normal, dual): the squares of a tiny gradient vanish
    return gap.abs() / norms(normal, "linf") / norms(by_largest(normal), dual)


def gradients(outputs: Tensor, x: Tensor, batched: bool | None = None) -> Iterator[Tensor]:
    """The gradient of each column of ``outputs`` ``(N, K)``: K tensors as ``x``, zero where not finite.

    ``batched``: by ``vmap``, up to ``BATCHED`` rows of all images at once, which holds as many times the memory of one,
    in place of one at a time over a retained graph. Where it is not given the graph is retained on a CPU, where that is
    measured to be faster (9 gradients of 32 images: 0.25 s against 0.33 s on cifar10/resnet20, and of 4 photographs
    0.79 s against 1.47 s on MobileNet v2), and CUDA gets ``vmap``: not measured, but there small kernels wait for their
    launch, of which it needs a K-th.
    """
    if x.is_cuda if batched is None else batched:
        if not outputs.requires_grad:
            input_gradient(outputs, x)  # which says so
        rows = torch.eye(outputs.shape[1], dtype=outputs.dtype, device=outputs.device)[:, None].expand(-1, len(x), -1)
        left = len(rows)
        for some in rows.split(max(1, BATCHED // len(x))):
            left -= len(some)
            (found,) = torch.autograd.grad(
                outputs, x, some, retain_graph=left > 0, is_grads_batched=True, materialize_grads=True
            )
            note_vanishing(found[0])
            yield from found.nan_to_num(0, 0, 0)
    else:
        for left, column in zip(range(outputs.shape[1])[::-1], outputs.unbind(1), strict=True):
            yield input_gradient(column, x, retain_graph=left > 0)
