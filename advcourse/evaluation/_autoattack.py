"""AutoAttack: attacks of several kinds in a fixed order, each on the images that the ones before it have left."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from advcourse.attacks import alma, apgd, fab, pdpgd, square
from advcourse.core.balls import NORMS
from advcourse.core.running import Model, detached, evaluating, predict
from advcourse.core.validation import (
    check_at_least,
    check_choice,
    check_count,
    check_file,
    check_indices,
    check_inputs,
)
from advcourse.evaluation._sequence import Attack, Task, in_turn, seeks_distance

VERSIONS = ("standard", "plus", "rand", "fast")


def autoattack(
    model: Model,
    images: Tensor,
    labels: Tensor,
    *,
    eps: float,
    norm: str = "linf",
    version: str = "standard",
    seed: int = 0,
    indices: Tensor | None = None,
    batch_size: int | None = None,
    checkpoint: str | os.PathLike | None = None,
    progress: bool = False,
) -> Tensor:
    """AutoAttack: for each image the first adversarial one in the eps-ball that any of its attacks finds.

    The versions are::

        standard   APGD on the cross-entropy · APGD-T, DLR towards each of 9 classes · FAB-T, 9 classes · Square, 5000
                   in l1: APGD five times and APGD-T towards 5 classes, both from balls three and two times as large
        plus       APGD and APGD-DLR, five times each · FAB, five times · Square · APGD-T · FAB-T
        rand       APGD and APGD-DLR on gradients that are means of 20 draws, for models that draw
        fast       the kinds of ``standard`` and APGD on the margin, in l2 with ALMA and FAB, in l1 with PDPGD and FAB,
                   each cut to what decides, in an order that depends on the norm: ``sequence`` gives it

    all with 100 steps but for ``fast``. With fewer than ten classes as many others as there are take their place; where
    there are fewer than four (for APGD-DLR three) the margin takes that of DLR. The model is put in eval mode and then
    back. Draws depend on ``seed`` and an image's index alone: neither batches, nor order, nor a stop change them.

    Args:
        model: maps images to logits ``(N, K)``, K ≥ 2.
        images: ``(N, C, H, W)`` in [0, 1].
        labels: int64 ``(N,)``.
        eps: radius of the ball, in pixel units of [0, 1].
        norm: ``"linf"``, ``"l2"`` or ``"l1"``.
        version: ``"standard"``, ``"plus"``, ``"rand"`` or ``"fast"``.
        seed: of all draws.
        indices: int64 ``(N,)``: where in the set each image stands; 0 to N - 1 where not given.
        batch_size: images attacked at a time, 256 where it is not given.
        checkpoint: file written after every batch; a run that is there is gone on with.
        progress: show a bar.

    Returns:
        Images ``(N, C, H, W)`` in [0, 1], within ``eps`` of ``images``, without a graph: those that none of the attacks
        fooled, and the misclassified, as they were.

    Raises:
        ValueError: for bad input, or a checkpoint of another run; the message names the argument.

    Source: Croce & Hein 2020, arXiv:2003.01690, section 5; in l1 Croce & Hein 2021, arXiv:2103.01208, section 5.
    """
    check_inputs(model, images, labels)
    check_at_least(0, eps=eps)
    check_choice("norm", norm, NORMS)
    check_choice("version", version, VERSIONS)
    check_count(at_least=0, seed=seed)
    check_count(optional=True, batch_size=batch_size)
    check_file(checkpoint=checkpoint)
    eps, size = float(eps), int(batch_size or 256)
    if indices is None:
        indices = torch.arange(len(images), device=images.device)
    check_indices(indices, images)
    images = detached(images)
    with evaluating(model):
        attacks = sequence(version, eps=eps, norm=norm, classes=classes_of(model, images[:size]))
        task = Task(model, images, labels, eps, norm, indices, int(seed), size)
        file = None if checkpoint is None else Path(checkpoint)
        minimal = [name for name, attack in attacks.items() if seeks_distance(attack)]
        return in_turn(task, attacks, minimal=minimal, checkpoint=file, progress=progress).adversarial


def classes_of(model: Model, images: Tensor) -> int:
    """K: how many logits the model gives each of the images, which are a batch: not every model takes a single one."""
    return predict(model, images, batch_size=len(images)).shape[1]


def sequence(version: str, *, eps: float, norm: str, classes: int) -> Mapping[str, Attack]:
    """The attacks of a version of AutoAttack by name, in their order, each ``(model, images, labels)`` to images.

    Args:
        version: of ``VERSIONS``.
        eps, norm: the ball.
        classes: K, of the model.

    Raises:
        ValueError: for bad input; the message names the argument.
    """
    check_choice("version", version, VERSIONS)
    check_at_least(0, eps=eps)
    check_choice("norm", norm, NORMS)
    check_count(at_least=2, classes=classes)
    others = min(9, classes - 1)
    dlr, dlr_t = ("dlr" if classes > 2 else "margin"), ("dlr" if classes > 3 else "margin")
    ascent = partial(apgd, eps=eps, norm=norm, filled=version == "fast")
    wide = norm == "l1"
    boundary = partial(fab, norm=norm, eps=eps)
    random_search = partial(square, eps=eps, norm=norm)
    if version == "rand":
        return {"APGD": partial(ascent, draws=20), "APGD-DLR": partial(ascent, loss=dlr, draws=20)}
    if version == "plus":
        return {
            "APGD": partial(ascent, restarts=5),
            "APGD-DLR": partial(ascent, loss=dlr, restarts=5),
            "FAB": partial(boundary, restarts=5),
            "Square": random_search,
            "APGD-T": partial(ascent, loss=dlr_t, target_classes=others),
            "FAB-T": partial(boundary, target_classes=others),
        }
    if version == "fast":
        return _fast(ascent, boundary, partial(random_search, queries=1000), norm, others, dlr_t)
    return {
        "APGD": partial(ascent, restarts=5 if wide else 1, wide=wide),
        "APGD-T": partial(ascent, loss=dlr_t, target_classes=min(5, others) if wide else others, wide=wide),
        "FAB-T": partial(boundary, target_classes=others),
        "Square": random_search,
    }


def _fast(
    ascent: partial[Tensor], boundary: partial[Tensor], random_search: Attack, norm: str, others: int, loss: str
) -> Mapping[str, Attack]:
    """What is decisive in a norm first: in linf the ascent, in l2 and l1 what follows the boundary."""
    few = min(5, others)
    if norm == "linf":
        return {
            "APGD": partial(ascent, steps=50),
            "APGD-margin": partial(ascent, loss="margin"),
            "APGD-T": partial(ascent, loss=loss, target_classes=others),
            "FAB-T": partial(boundary, steps=50, target_classes=few),
            "Square": random_search,
        }
    if norm == "l2":
        return {
            "APGD": partial(ascent, steps=20),
            "ALMA": partial(alma, steps=200),
            "APGD-margin": partial(ascent, loss="margin", steps=50),
            "FAB-T": partial(boundary, steps=100, target_classes=few),
            "FAB": boundary,
            "APGD-T": partial(ascent, loss=loss, steps=30, target_classes=others),
            "Square": random_search,
        }
    return {
        "PDPGD": partial(pdpgd, norm=norm, steps=300),
        "APGD": partial(ascent, restarts=3, wide=True),
        "APGD-margin": partial(ascent, loss="margin", restarts=3, wide=True, filled=False),
        "APGD-T": partial(ascent, loss=loss, target_classes=few, wide=True, filled=False),
        "FAB-T": partial(boundary, steps=100, target_classes=few),
        "FAB": boundary,
        "Square": random_search,
    }
