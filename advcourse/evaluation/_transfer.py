"""Do adversarial images made on one model fool another? Tables of source against target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from advcourse.core.balls import norms
from advcourse.core.running import is_fooled, predict, predicted
from advcourse.core.validation import check_images, check_inputs, check_models
from advcourse.evaluation._evaluate import evaluate
from advcourse.evaluation._sequence import Attack
from advcourse.wrappers import ensemble

if TYPE_CHECKING:
    import pandas


def rmsd(adversarial: Tensor, images: Tensor) -> Tensor:
    """Root of the mean squared change of each image's pixels, in their levels 0 to 255: ``(N,)``.

    It is::

        d(x̃, x) = 255 √((1/D) Σᵢ (x̃ᵢ - xᵢ)²)

    with D the number of values of an image.

    Source: Liu, Chen, Liu & Song 2017, arXiv:1611.02770.
    """
    check_images(adversarial, "adversarial")
    check_images(images)
    if adversarial.shape != images.shape:
        raise ValueError(f"adversarial has shape {tuple(adversarial.shape)}, expected {tuple(images.shape)}")
    return 255 * norms(adversarial - images, "l2") / images[0].numel() ** 0.5


def known_to_all(models: Mapping[str, nn.Module], images: Tensor, labels: Tensor) -> Tensor:
    """Which images every model classifies as their label: ``(N,)``, bool."""
    check_models(models, named=True)
    for model in models.values():
        check_inputs(model, images, labels)
    return torch.stack([predicted(predict(model, images)) == labels for model in models.values()]).all(0)


def transfer_matrix(
    models: Mapping[str, nn.Module],
    attack: Attack,
    images: Tensor,
    labels: Tensor,
    *,
    targets: Tensor | None = None,
    batch_size: int | None = None,
) -> pandas.DataFrame:
    """What every model (column) makes of the adversarial images found on each (row).

    A cell is the accuracy on them (non-targeted: the lower, the better they transfer) or, with targets, the
    matching rate: the share predicted as their target. ``RMSD`` is their mean distance in pixel levels
    (``rmsd``). Only images that every model classifies correctly take part; ``table.attrs["images"]`` says
    how many.

    Args:
        models: by name, two or more for the same classes.
        attack: ``(model, images, labels[, targets=…]) -> adversarial images``; ``functools.partial`` sets its
            parameters.
        images: ``(N, C, H, W)`` in [0, 1].
        labels: int64 ``(N,)``.
        targets: int64 ``(N,)`` for a targeted attack.
        batch_size: images attacked at a time.

    Returns:
        A table with the sources as rows, ``RMSD`` and the models as columns; shares in [0, 1].

    Raises:
        ValueError: for bad input, or where no image is classified correctly by all.

    Source: Liu et al. 2017, arXiv:1611.02770, Tables 1 (accuracy) and 2 (matching rate).
    """
    return _table(models, models, attack, images, labels, targets, batch_size)


def leave_one_out(
    models: Mapping[str, nn.Module],
    attack: Attack,
    images: Tensor,
    labels: Tensor,
    *,
    targets: Tensor | None = None,
    batch_size: int | None = None,
) -> pandas.DataFrame:
    """As ``transfer_matrix``, with the images of row ``-name`` found on the ensemble of all models but that one.

    The cell of row ``-name`` and column ``name`` is the black-box one: that model took no part.

    Source: Liu et al. 2017, arXiv:1611.02770, Tables 3 (matching rate) and 4 (accuracy).
    """
    check_models(models, 2, named=True)
    sources = {f"-{name}": ensemble([model for other, model in models.items() if other != name]) for name in models}
    return _table(sources, models, attack, images, labels, targets, batch_size)


def _table(
    sources: Mapping[str, nn.Module],
    models: Mapping[str, nn.Module],
    attack: Attack,
    images: Tensor,
    labels: Tensor,
    targets: Tensor | None,
    batch_size: int | None,
) -> pandas.DataFrame:
    import pandas

    check_models(models, named=True)
    check_inputs(next(iter(models.values())), images, labels, targets)
    kept = known_to_all(models, images, labels)
    if not kept.any():
        raise ValueError(f"images holds {len(images)} images, expected some that every model classifies correctly")
    images, labels = images[kept], labels[kept]
    targets = targets if targets is None else targets[kept]
    rows = {}
    for name, source in sources.items():
        found = evaluate(source, attack, images, labels, batch_size=batch_size, targets=targets).adversarial
        rows[name] = {"RMSD": rmsd(found, images).mean().item()}
        for other, model in models.items():
            logits = predict(model, found)
            hits = predicted(logits) == labels if targets is None else is_fooled(logits, labels, targets)
            rows[name][other] = hits.cpu().double().mean().item()
    table = pandas.DataFrame.from_dict(rows, orient="index").rename_axis(index="source", columns="model")
    table.attrs["images"] = int(kept.sum())
    return table
