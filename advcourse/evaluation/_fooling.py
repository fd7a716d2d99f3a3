"""How many images one perturbation fools, on one model or on several."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from advcourse.core.running import Model, is_fooled, predict
from advcourse.core.validation import check_alike, check_count, check_images, check_model

if TYPE_CHECKING:
    import pandas


def check_perturbation(perturbation: Tensor, images: Tensor) -> None:
    """One finite change ``(C, H, W)`` of the pixels, shaped and typed as each image and on its device."""
    check_alike("perturbation", perturbation, images, tuple(images.shape[1:]), "one for all images, (C, H, W)")


def shown(images: Tensor, perturbation: Tensor) -> Tensor:
    """The images shown: clamp(x + v, 0, 1) for images ``(N, C, H, W)`` and v ``(C, H, W)``."""
    check_images(images)
    check_perturbation(perturbation, images)
    return (images + perturbation).clamp_(0, 1)


def fooling_rate(model: Model, perturbation: Tensor, images: Tensor, *, batch_size: int = 256) -> float:
    """Share of the images whose prediction the perturbation changes, in eval mode.

    It is::

        (1/n) Σᵢ 1[k̂(clamp(xᵢ + v, 0, 1)) ≠ k̂(xᵢ)]

    Args:
        model: maps images to logits.
        perturbation: ``(C, H, W)``.
        images: ``(N, C, H, W)`` in [0, 1], which ``attacks.universal_deepfool`` or ``universal_sgd`` has not seen.
        batch_size: images at a time.

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: Moosavi-Dezfooli et al. 2017, arXiv:1610.08401, section 2.
    """
    check_model(model, images)
    check_count(batch_size=batch_size)
    changed = shown(images, perturbation)
    labels = predict(model, images, batch_size=batch_size).argmax(1)
    return is_fooled(predict(model, changed, batch_size=batch_size), labels).cpu().double().mean().item()


def fooling_table(
    models: Mapping[str, Model], perturbations: Mapping[str, Tensor], images: Tensor, *, batch_size: int = 256
) -> pandas.DataFrame:
    """Fooling rate of every perturbation (row) on every model (column): does one learnt on one model fool another?

    Source: Moosavi-Dezfooli et al. 2017, arXiv:1610.08401, Table 2.
    """
    import pandas

    rates = {
        name: {of: fooling_rate(model, v, images, batch_size=batch_size) for of, model in models.items()}
        for name, v in perturbations.items()
    }
    return pandas.DataFrame.from_dict(rates, orient="index").rename_axis(index="perturbation", columns="model")


def inner_products(perturbations: Tensor) -> Tensor:
    """Normalised inner products ⟨vᵢ, vⱼ⟩ / (‖vᵢ‖₂ ‖vⱼ‖₂), ``(K, K)``.

    Of perturbations ``(K, C, H, W)``. Small off the diagonal where the orders of several generators gave diverse
    perturbations.

    Source: Moosavi-Dezfooli et al. 2017, arXiv:1610.08401, section 3.
    """
    flat = perturbations.flatten(1)
    flat = flat / torch.linalg.vector_norm(flat, dim=1, keepdim=True).clamp_min(torch.finfo(flat.dtype).tiny)
    return flat @ flat.T
