"""What became of images that were to be taken for a target: adversarial, misclassified or correct."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from advcourse.core.running import Model, predicted
from advcourse.core.validation import check_answer, check_class, check_count, check_images, check_model

if TYPE_CHECKING:
    from advcourse.rendering import TexturedObject, Views


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
        label: their class; ``None`` where the model has none for them, when nothing is correct.
        target: the class they should be taken for; ``None`` where any other than the label counts as adversarial.
        batch_size: images at a time.

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: the columns are those of Athalye et al. 2018, arXiv:1707.07397, table 3.
    """
    check_images(images)
    check_model(model, images)
    check_count(batch_size=batch_size)
    check_class(optional=True, label=label, target=target)
    if label == target:
        raise ValueError(f"target is {target}, expected another class than label, which is {label}")
    with torch.no_grad():
        parts = []
        for batch in images.split(int(batch_size)):
            parts.append(model(batch))
            check_answer(parts[-1], len(batch))
    logits = torch.cat(parts)
    check_class(logits.shape[1], optional=True, label=label, target=target)
    found = predicted(logits)  # NaN is no success, and not correct
    hit = (found != label) & (found >= 0) if target is None else found == target
    correct = torch.zeros_like(hit) if label is None else found == label
    shares = [values.cpu().double().mean().item() for values in (hit, ~hit & ~correct, correct)]
    return Outcomes(*shares)


def pose_table(
    model: Model, object: TexturedObject, texture: Tensor, label: int | None, target: int | None, views: Views
) -> Outcomes:
    """What a network makes of a textured object in poses it is shown: the row of the turtle's table.

    Args:
        model: maps images to logits ``(N, K)``; put it in eval mode first.
        object, texture: what is seen, and in which texture ``(3, h, w)``.
        label: the true class, or ``None`` where the network has none for the object.
        target: the class it should be taken for; ``None`` where any other counts.
        views: ``object.draw_views(n, generator)``, of poses that the texture was not made on.

    Source: Athalye et al. 2018, arXiv:1707.07397, table 3 (turtle 82 % adversarial, 16 % misclassified, 2 %
    correct; baseball 59, 31, 10).
    """
    from advcourse.rendering import check_texture  # measuring other attacks needs no renderer

    check_texture(texture)
    with torch.no_grad():
        return outcomes(model, object.render(texture, views), label, target)
