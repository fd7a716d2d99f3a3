"""How far a model is from its decision boundary, by the length of the perturbations an attack needs."""

from __future__ import annotations

from torch import Tensor

from advcourse.core.running import Model, predict
from advcourse.core.validation import check_images, check_model
from advcourse.evaluation._evaluate import evaluate
from advcourse.evaluation._sequence import Attack


def rho_adv(model: Model, attack: Attack, images: Tensor, *, batch_size: int | None = None) -> float:
    """Average robustness: the mean length of an attack's perturbations beside that of the images.

    It is::

        ρ̂_adv = (1/|D|) Σ_{x∈D} ‖r̂(x)‖₂ / ‖x‖₂

    Labels are the model's own predictions, in eval mode. D holds the images whose prediction the attack changes: one
    that it fails on has no r̂(x), and counting it as zero would call the model weaker than it is. An
    all-black image, whose length is zero, is left out too.

    Args:
        model: maps images to logits.
        attack: ``(model, images, labels) -> adversarial images``, such as ``attacks.deepfool``.
        images: ``(N, C, H, W)`` in [0, 1].
        batch_size: images attacked at a time, 256 where it is not given.

    Returns:
        The mean, ``nan`` where D is empty.

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: Moosavi-Dezfooli, Fawzi & Frossard 2016, arXiv:1511.04599, section 4.1.
    """
    check_images(images)
    check_model(model, images)
    labels = predict(model, images.detach()).argmax(1)
    report = evaluate(model, attack, images, labels, batch_size=batch_size)
    ratios = report.normalized_l2_per_image[report.success]
    return ratios.cpu().double().nanmean().item()
