"""Measuring attacks: one place that counts, compares and verifies what an attack returns."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from advcourse.core.balls import norms
from advcourse.core.losses import watching
from advcourse.core.running import count_passes, evaluating, is_fooled, predict, predicted
from advcourse.core.validation import check_count, check_images, check_inputs, check_labels, check_logits, check_module

if TYPE_CHECKING:
    import pandas

Attack = Callable[..., Tensor]


def quantize(images: Tensor) -> Tensor:
    """Images in [0, 1] as they come back from an 8-bit file: rounded to the nearest of 256 levels."""
    return images.mul(255).round_().div_(255)


@dataclass
class Report:
    """What ``evaluate`` measured. Means and passes are over the attacked images, ``nan`` where there are none.

    ``vanishing`` counts the attacked images at which the first gradient that the attack took was zero throughout or
    not finite (an attack of this library; another's gradients are not seen).
    """

    clean_accuracy: float
    robust_accuracy: float
    success_rate: float
    l2: float
    normalized_l2: float
    linf: float
    forwards: float
    backwards: float
    seconds: float
    adversarial: Tensor = field(repr=False)
    attacked: Tensor = field(repr=False)
    success: Tensor = field(repr=False)
    l2_per_image: Tensor = field(repr=False)
    normalized_l2_per_image: Tensor = field(repr=False)
    linf_per_image: Tensor = field(repr=False)
    vanishing: int = 0

    def numbers(self) -> dict[str, float]:
        """The scalar measurements by name."""
        return {name: value for name, value in vars(self).items() if isinstance(value, float)}


def evaluate(
    model: nn.Module,
    attack: Attack,
    images: Tensor,
    labels: Tensor,
    *,
    batch_size: int | None = None,
    targets: Tensor | None = None,
) -> Report:
    """Attack the correctly classified images and measure what came of it.

    Success rate and normalised L2 are::

        (1/n) Σᵢ 1[k̂(x̃ᵢ) ≠ yᵢ]  (with targets: k̂(x̃ᵢ) = ỹᵢ)
        (1/n) Σᵢ ‖x̃ᵢ - xᵢ‖₂ / ‖xᵢ‖₂

    with k̂ the predicted class, over the n attacked images: those the model classifies correctly and, with targets,
    whose label is not the target (an all-black image, which has no normalised L2, is left out of that mean). The
    model decides success, not the attack. Puts the model in eval mode and restores it.

    Args:
        model: a module that maps images to logits.
        attack: ``(model, images, labels[, targets=…]) -> adversarial images``.
        images: ``(N, C, H, W)`` in [0, 1].
        labels: int64 ``(N,)``.
        batch_size: images attacked at a time, 256 where it is not given.
        targets: int64 ``(N,)`` for a targeted attack.

    Returns:
        A ``Report``. ``adversarial`` holds the image itself where none was attacked; per-image distances
        are zero there. Robust accuracy is the share of all images still classified correctly.

    Raises:
        ValueError: for bad input, or where the attack returns images that are not in [0, 1] or misshapen.

    Source: the two metrics are those of the deck "Adversarial examples and robustness" (P. Stock).
    """
    check_module(model)
    check_inputs(model, images, labels)
    if targets is not None:
        check_labels(targets, images, "targets")
    batch_size = 256 if batch_size is None else batch_size
    check_count(batch_size=batch_size)
    images = images.detach()
    adversarial = images.clone()
    success = torch.zeros(len(images), dtype=torch.bool, device=images.device)
    forwards = backwards = seconds = 0.0
    vanishing = 0
    with evaluating(model):
        clean = predict(model, images, batch_size=batch_size)
        check_logits(clean, labels, targets)
        attacked = predicted(clean) == labels
        if targets is not None:
            attacked &= labels != targets
        chosen = attacked.nonzero()[:, 0]
        for rows in chosen.split(batch_size) if len(chosen) else ():
            goal = {} if targets is None else {"targets": targets[rows]}
            with count_passes(model) as passes, watching() as first:
                start = _now(images)
                result = attack(model, images[rows], labels[rows], **goal)
                seconds += _now(images) - start
            check_images(result, "the attack's result")
            found, expected = ((tuple(t.shape), t.dtype, t.device) for t in (result, images[rows]))
            if found != expected:
                raise ValueError(f"the attack returned {found}, expected {expected}")
            forwards, backwards = forwards + passes.forwards, backwards + passes.backwards
            vanishing += sum(int(mask.sum()) for mask in first)
            adversarial[rows] = result.detach()
            with torch.no_grad():
                success[rows] = is_fooled(model(result), labels[rows], goal.get("targets"))
        robust = (predicted(predict(model, adversarial, batch_size=batch_size)) == labels).cpu().double().mean().item()
    if vanishing:
        warnings.warn(
            f"the gradient is zero or not finite at {vanishing} of {len(chosen)} attacked images: what is left of them "
            "says nothing of attacks that need no gradient",
            stacklevel=2,
        )
    delta = adversarial - images
    l2 = norms(delta, "l2")
    length = norms(images, "l2")
    normalized_l2 = torch.where(length > 0, l2 / length, torch.nan)
    linf = norms(delta, "linf")

    def mean(values: Tensor) -> float:
        return values[attacked].cpu().double().nanmean().item()

    count = int(attacked.sum()) or float("nan")
    return Report(
        clean_accuracy=(predicted(clean) == labels).cpu().double().mean().item(),
        robust_accuracy=robust,
        success_rate=mean(success),
        l2=mean(l2),
        normalized_l2=mean(normalized_l2),
        linf=mean(linf),
        forwards=forwards / count,
        backwards=backwards / count,
        seconds=seconds,
        adversarial=adversarial,
        attacked=attacked,
        success=success,
        l2_per_image=l2,
        normalized_l2_per_image=normalized_l2,
        linf_per_image=linf,
        vanishing=vanishing,
    )


def _now(images: Tensor) -> float:
    """Wall time, once the work queued on the images' device is done."""
    if images.device.type != "cpu":
        torch.accelerator.synchronize(images.device)
    return time.perf_counter()


def compare(
    model: nn.Module,
    attacks: Mapping[str, Attack],
    images: Tensor,
    labels: Tensor,
    *,
    batch_size: int | None = None,
    targets: Tensor | None = None,
) -> pandas.DataFrame:
    """``evaluate`` for several attacks: one row each, in the order given.

    Args:
        model, images, labels, batch_size, targets: as in ``evaluate``.
        attacks: by the name their row shall have; ``functools.partial`` sets an attack's parameters.

    Returns:
        A table with the columns of ``Report.numbers``.
    """
    import pandas

    rows = {}
    for name, attack in attacks.items():
        report = evaluate(model, attack, images, labels, batch_size=batch_size, targets=targets)
        rows[name] = report.numbers()
    return pandas.DataFrame.from_dict(rows, orient="index").rename_axis("attack")
