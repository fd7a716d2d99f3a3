"""Noisy student: a network taught by another on images without labels, under noise that the teacher is spared."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from advcourse.core.running import predict
from advcourse.core.validation import (
    check_answer,
    check_at_least,
    check_at_most,
    check_callable,
    check_count,
    check_flag,
    check_images,
    check_labels,
)


class PseudoLabels(NamedTuple):
    """What a teacher says of images without labels.

    Attributes:
        indices: int64 ``(M,)``: which image; one that fills up a rare class stands more than once.
        targets: ``(M, K)``, the probabilities to learn.
    """

    indices: Tensor
    targets: Tensor


def pseudo_labels(
    teacher: nn.Module,
    images: Tensor,
    *,
    soft: bool = True,
    threshold: float = 0.3,
    per_class: int | None = None,
    batch_size: int = 500,
) -> PseudoLabels:
    """The teacher's answers, in eval mode and without noise: those it is sure of, and as many of each class.

    Args:
        teacher: maps images to logits ``(N, K)``.
        images: ``(N, C, H, W)`` in [0, 1].
        soft: the probabilities; False: 1 for the class of the largest.
        threshold: images whose largest probability is below it are left out.
        per_class: of each class that many, those with the largest probability, and over again where there are fewer;
            a class that the teacher never names stays without. None takes all.
        batch_size: images per forward pass.

    Raises:
        ValueError: for bad input, or where no image is left.

    Source: Xie et al. 2020, arXiv:1911.04252, section 2 (soft labels; filtering at 0.3; 130,000 images a class).
    """
    check_images(images)
    check_flag(soft=soft)
    check_at_least(0, threshold=threshold)
    check_at_most(1, threshold=threshold)
    check_count(optional=True, per_class=per_class)
    check_count(batch_size=batch_size)
    probabilities = predict(teacher, images, batch_size=batch_size).softmax(1)
    sure, named = probabilities.max(1)
    kept = (sure >= threshold).nonzero()[:, 0]
    if not len(kept):
        raise ValueError(f"threshold is {threshold}, expected at most {sure.max():.4g}, what the teacher is surest of")
    if per_class is not None:
        kept = torch.cat([_filled(kept[named[kept] == k], sure, per_class) for k in named[kept].unique()])
    targets = probabilities if soft else F.one_hot(named, probabilities.shape[1]).to(probabilities.dtype)
    return PseudoLabels(kept, targets[kept])


def _filled(rows: Tensor, sure: Tensor, count: int) -> Tensor:
    """``count`` of the rows, the surest first, and all over again."""
    ordered = rows[sure[rows].argsort(descending=True)]
    return ordered.repeat(-(-count // len(ordered)))[:count]


def soft_loss(model: nn.Module, images: Tensor, targets: Tensor) -> Tensor:
    """Mean over the batch of ``-Σⱼ tⱼ log softmax(model(x))ⱼ``: cross-entropy with probabilities for labels.

    Args:
        model: maps images to logits ``(N, K)``.
        images: ``(N, C, H, W)``.
        targets: t, ``(N, K)``, each row a distribution.

    Raises:
        ValueError: for targets of another shape.
    """
    logits = model(images)
    check_answer(logits, len(images))
    if targets.shape != logits.shape:
        raise ValueError(f"targets has shape {tuple(targets.shape)}, expected {tuple(logits.shape)}: one per logit")
    return F.cross_entropy(logits, targets.to(logits.dtype))


def noisy_student(
    teacher: nn.Module,
    make_student: Callable[[int], nn.Module],
    labelled: tuple[Tensor, Tensor],
    unlabelled: Tensor,
    train: Callable[..., object],
    *,
    rounds: int = 3,
    soft: bool = True,
    threshold: float = 0.3,
    per_class: int | None = None,
    checkpoint: str | os.PathLike | None = None,
) -> list[nn.Module]:
    """Students, each taught by the one before on images with labels and images without, under noise.

    The noise is the student's own: dropout and stochastic depth in its network (``networks.CifarResNet``), and the
    augmentation that ``train`` is given, such as RandAugment. The teacher answers in eval mode.

    Args:
        teacher: the first one, trained on ``labelled``; maps images to logits ``(N, K)``.
        make_student: ``round -> network``, from 0; as large as its teacher or larger.
        labelled: images ``(N, C, H, W)`` and labels ``(N,)``.
        unlabelled: images ``(M, C, H, W)``.
        train: ``(student, (images, targets), loss[, checkpoint=…])`` trains in place, ``training.fit`` with its
            settings (``functools.partial``).
        rounds: students in all.
        soft, threshold, per_class: as in ``pseudo_labels``.
        checkpoint: folder, in which ``train`` is given a file for every round.

    Returns:
        The students in their order.

    Raises:
        ValueError: for bad input, a teacher that knows fewer classes than there are labels, or a student of another
            number of classes.

    Source: Xie et al. 2020, arXiv:1911.04252, algorithm 1.
    """
    check_images(labelled[0])
    check_labels(labelled[1], labelled[0])
    check_images(unlabelled, "unlabelled")
    check_callable(make_student=make_student, train=train)
    check_count(rounds=rounds)
    students: list[nn.Module] = []
    for number in range(rounds):
        told = pseudo_labels(teacher, unlabelled, soft=soft, threshold=threshold, per_class=per_class)
        classes = told.targets.shape[1]
        if labelled[1].max() >= classes:
            raise ValueError(
                f"teacher knows {classes} classes and labels holds {labelled[1].max().item()}, expected less"
            )
        student = make_student(number)
        own = predict(student, labelled[0][:2]).shape[1]
        if own != classes:
            raise ValueError(f"student knows {own} classes, expected its teacher's {classes}")
        targets = torch.cat([F.one_hot(labelled[1], classes).to(told.targets), told.targets])
        file = {} if checkpoint is None else {"checkpoint": Path(checkpoint, f"round-{number + 1}.pt")}
        train(student, (torch.cat([labelled[0], unlabelled[told.indices]]), targets), soft_loss, **file)
        students.append(student)
        teacher = student
    return students
