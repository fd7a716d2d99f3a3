"""What became of images that were to be taken for a target: adversarial, misclassified or correct."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from advcourse.attacks.common import Model
from advcourse.validation import check_class, check_images, check_model


class Outcomes(NamedTuple):
    """Shares of the images, which sum to one: taken for the target, for another wrong class, and for what they are."""

    adversarial: float
    misclassified: float
    correct: float


def outcomes(model: Model, images: Tensor, label: int | None, target: int | None, *, batch_size: int = 64) -> Outcomes:
    """How images of one class are classified.

    Args:
        model: maps images to logits ``(N, K)``; runs in the mode it is in.
        images: ``(N, C, H, W)`` in [0, 1].
        label: their class; None where the model has none for them, when nothing is correct.
        target: the class they should be taken for; None where any other than the label counts as adversarial.
        batch_size: images at a time.

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: the columns are those of Athalye et al. 2018, arXiv:1707.07397, table 3.
    """
    check_images(images)
    check_model(model, images)
    given = {name: value for name, value in (("label", label), ("target", target)) if value is not None}
    check_class(**given)
    if label == target:
        raise ValueError(f"target is {target}, expected another class than label, which is {label}")
    with torch.no_grad():
        logits = torch.cat([model(batch) for batch in images.split(batch_size)])
    check_class(logits.shape[1], **given)
    predicted = logits.argmax(1).masked_fill(logits.isnan().any(1), -1)  # NaN is no success, and not correct
    hit = (predicted != label) & (predicted >= 0) if target is None else predicted == target
    correct = torch.zeros_like(hit) if label is None else predicted == label
    shares = [values.double().mean().item() for values in (hit, ~hit & ~correct, correct)]
    return Outcomes(*shares)
