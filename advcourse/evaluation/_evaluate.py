"""Measuring attacks: one place that counts, compares and verifies what an attack returns."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from advcourse.core.balls import norms
from advcourse.core.losses import watching
from advcourse.core.running import Model, counted, detached, evaluating, predict
from advcourse.core.validation import (
    check_at_least,
    check_callable,
    check_count,
    check_flag,
    check_inputs,
    check_labels,
    check_logits,
    check_named,
)
from advcourse.evaluation._draws import classes, clean_passes
from advcourse.evaluation._promises import check_promise, promised
from advcourse.evaluation._sequence import Attack, set_before, taken

if TYPE_CHECKING:
    import pandas


def quantize(images: Tensor) -> Tensor:
    """Images in [0, 1] as they come back from an 8-bit file: rounded to the nearest of 256 levels."""
    return images.mul(255).round_().div_(255)


@dataclass
class Report:
    """What ``evaluate`` measured. Means and passes are over the attacked images, ``nan`` where there are none.

    ``vanishing`` counts the attacked images at which the first gradient that the attack took was zero throughout or
    not finite (an attack of this library; another's gradients are not seen). ``undefined`` counts those that the attack
    led to a logit that is NaN.

    ``random``: two passes over the clean images differed. Then the accuracies and the success rate are means over
    ``draws`` passes, ``shares`` holds the share of them in which each image was a success, and ``success`` says where
    that is more than half.
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
    undefined: int = 0
    random: bool = False
    draws: int = 1
    shares: Tensor = field(default_factory=lambda: torch.empty(0), repr=False)

    def numbers(self) -> dict[str, float]:
        """The scalar measurements by name."""
        return {name: value for name, value in vars(self).items() if isinstance(value, float)}


def evaluate(
    model: Model,
    attack: Attack,
    images: Tensor,
    labels: Tensor,
    *,
    batch_size: int | None = None,
    targets: Tensor | None = None,
    eps: float | None = None,
    norm: str | None = None,
    draws: int | None = None,
) -> Report:
    """Attack the correctly classified images and measure what came of it.

    Success rate and normalised L2 are::

        (1/n) Σᵢ 1[k̂(x̃ᵢ) ≠ yᵢ]  (with targets: k̂(x̃ᵢ) = ỹᵢ)
        (1/n) Σᵢ ‖x̃ᵢ - xᵢ‖₂ / ‖xᵢ‖₂

    with k̂ the predicted class, over the n attacked images: those the model classifies correctly and, with targets,
    whose label is not the target (an all-black image, which has no normalised L2, is left out of that mean). The
    model decides success, not the attack. Puts the model in eval mode and restores it.

    All numbers come from the same passes, so that without targets, of N images::

        robust accuracy + success rate · n/N = clean accuracy

    A logit that is NaN is no class: the image is not classified correctly, neither before the attack nor after it,
    and after it that is a success (with targets it is none). ``Report.undefined`` counts these, and a warning says so.

    A random model, whose two passes over the clean images differ, has no single accuracy: what is counted is the mean
    over ``draws`` passes. Attacked is every image that is classified correctly in one of them or more, so that
    robust accuracy + success rate · n/N is n/N.

    Args:
        model: maps images to logits; a module, scripted or not, or a function.
        attack: ``(model, images, labels[, targets=…]) -> adversarial images``. A function or a scripted module is
            handed to it inside a module that counts its passes. One that takes ``indices`` is handed the images'
            places, so that its draws do not depend on batches.
        images: ``(N, C, H, W)`` in [0, 1]; what rounding took out of the box is put back.
        labels: int64 ``(N,)``.
        batch_size: images attacked at a time, 256 where it is not given.
        targets: int64 ``(N,)`` for a targeted attack.
        eps, norm: the ball that the attack promises, ``"linf"``, ``"l2"`` or ``"l1"``; it is checked where they are
            given.
        draws: passes that are counted; where it is not given, 10 of a random model and one of any other.

    Returns:
        A ``Report``. ``adversarial`` holds the image itself where none was attacked; per-image distances
        are zero there. Robust accuracy is the share of all images still classified correctly.

    Raises:
        ValueError: for bad input, or where the attack returns images that are misshapen, not in [0, 1] or not in the
            ball, whose number the message names.

    Source: the two metrics are those of the deck "Adversarial examples and robustness" (P. Stock).
    """
    check_inputs(model, images, labels)
    if targets is not None:
        check_labels(targets, images, "targets")
    check_callable(attack=attack)
    check_count(optional=True, batch_size=batch_size, draws=draws)
    check_promise(eps, norm)
    batch_size = int(batch_size or 256)
    images = detached(images)
    with evaluating(model):
        clean, random = clean_passes(model, images, draws, batch_size=batch_size)
        check_logits(clean[0], labels, targets)
        right = classes(clean) == labels.cpu()
        attacked = right.any(0).to(labels.device)
        if targets is not None:
            attacked &= labels != targets
        chosen = attacked.nonzero()[:, 0]
        adversarial, found = images.clone(), []
        forwards = backwards = seconds = 0.0
        vanishing = 0
        for rows in chosen.split(batch_size) if len(chosen) else ():
            goal = {} if targets is None else {"targets": targets[rows]}
            placed = {"indices": rows} if "indices" in taken(attack) - set_before(attack) else {}
            with evaluating(model), counted(model) as (run, passes), watching() as first:
                start = _now(images)
                result = attack(run, images[rows].clone(), labels[rows].clone(), **goal, **placed)
                seconds += _now(images) - start
            adversarial[rows] = promised(result, images[rows], eps, norm, rows)
            forwards, backwards = forwards + passes.forwards, backwards + passes.backwards
            vanishing += sum(int(mask.sum()) for mask in first)
            found.append(classes([predict(model, adversarial[rows], batch_size=batch_size) for _ in clean]))
    shown = torch.cat(found, 1) if found else torch.empty(len(clean), 0, dtype=torch.int64)
    at, wanted = chosen.cpu(), (labels if targets is None else targets)[chosen].cpu()
    kept, hit = right.double().mean(0), torch.zeros(len(images), dtype=torch.float64)
    kept[at] = (shown == labels[chosen].cpu()).double().mean(0)
    hit[at] = ((shown != wanted) if targets is None else (shown == wanted)).double().mean(0)
    undefined = int((shown < 0).any(0).sum())
    _warn(vanishing, undefined, len(chosen))
    delta = adversarial - images
    l2 = norms(delta, "l2")
    length = norms(images, "l2")
    normalized_l2 = torch.where(length > 0, l2 / length, torch.nan)
    linf = norms(delta, "linf")

    def mean(values: Tensor) -> float:
        return values.cpu()[at].double().nanmean().item()

    count = len(chosen) or float("nan")
    return Report(
        clean_accuracy=right.double().mean().item(),
        robust_accuracy=kept.mean().item(),
        success_rate=mean(hit),
        l2=mean(l2),
        normalized_l2=mean(normalized_l2),
        linf=mean(linf),
        forwards=forwards / count,
        backwards=backwards / count,
        seconds=seconds,
        adversarial=adversarial,
        attacked=attacked,
        success=(hit > 0.5).to(images.device),
        l2_per_image=l2,
        normalized_l2_per_image=normalized_l2,
        linf_per_image=linf,
        vanishing=vanishing,
        undefined=undefined,
        random=random,
        draws=len(clean),
        shares=hit.to(images.dtype).to(images.device),
    )


def _warn(vanishing: int, undefined: int, count: int) -> None:
    if vanishing:
        warnings.warn(
            f"the gradient is zero or not finite at {vanishing} of {count} attacked images: what is left of them "
            "says nothing of attacks that need no gradient",
            stacklevel=3,
        )
    if undefined:
        warnings.warn(
            f"the logits of {undefined} of {count} attacked images hold NaN after the attack: that is no class, and "
            "they count as not classified correctly",
            stacklevel=3,
        )


def _now(images: Tensor) -> float:
    """Wall time, once the work queued on the images' device is done."""
    if images.device.type != "cpu":
        torch.accelerator.synchronize(images.device)
    return time.perf_counter()


def compare(
    model: Model,
    attacks: Mapping[str, Attack],
    images: Tensor,
    labels: Tensor,
    *,
    batch_size: int | None = None,
    targets: Tensor | None = None,
    eps: float | Sequence[float] | None = None,
    norm: str | None = None,
    draws: int | None = None,
    worst_case: bool = False,
) -> pandas.DataFrame:
    """``evaluate`` for several attacks: one row each, in the order given.

    Args:
        model, images, labels, batch_size, targets, norm, draws: as in ``evaluate``.
        attacks: by the name their row shall have; ``functools.partial`` sets an attack's parameters.
        eps: as in ``evaluate``, or radii that ascend: each attack that takes ``eps`` is then run at every one of them,
            and rows are named by attack and radius.
        worst_case: add a row (one for each radius) in which an image counts as fooled where any attack fooled it;
            passes and seconds are sums, distances are left open.

    Returns:
        A table with the columns of ``Report.numbers``.

    Raises:
        ValueError: as ``evaluate``.
    """
    import pandas

    check_flag(worst_case=worst_case)
    check_named("attacks", attacks, "attacks", reserved=["worst case"] if worst_case else ())
    if not attacks:
        raise ValueError("attacks is {}, expected attacks by name, one or more")
    several = isinstance(eps, Sequence) and not isinstance(eps, str)
    radii: Sequence[Any] = ascending(eps) if isinstance(eps, Sequence) and several else [eps]
    settings: dict[str, Any] = {"batch_size": batch_size, "targets": targets, "norm": norm, "draws": draws}
    rows = {}
    for radius in radii:
        reports = {}
        for name, attack in attacks.items():
            takes = several and "eps" in taken(attack) - set_before(attack)
            ready = partial(attack, eps=radius) if takes else attack
            promised_radius = radius if norm is not None else None if several else radius
            reports[name] = evaluate(model, ready, images, labels, eps=promised_radius, **settings)
            rows[name, radius] = reports[name].numbers()
        if worst_case:
            rows["worst case", radius] = _worst(list(reports.values()))
    index = pandas.MultiIndex.from_tuples(list(rows), names=["attack", "eps"])
    table = pandas.DataFrame(list(rows.values()), index=index)
    return table if several else table.droplevel("eps")


def _worst(reports: list[Report]) -> dict[str, float]:
    """The numbers of all of them together, image by image."""
    first, count = reports[0], len(reports[0].attacked)
    share = torch.stack([report.shares for report in reports]).amax(0)[first.attacked].cpu().double()
    kept = first.attacked.cpu().double().mean().item() - share.sum().item() / count
    numbers = dict.fromkeys(first.numbers(), float("nan"))
    sums = {name: sum(getattr(report, name) for report in reports) for name in ("forwards", "backwards", "seconds")}
    rate = share.mean().item() if len(share) else float("nan")
    return numbers | sums | {"clean_accuracy": first.clean_accuracy, "robust_accuracy": kept, "success_rate": rate}


def ascending(eps: Sequence[float]) -> list[float]:
    """The radii, if there are any and they ascend."""
    several = list(eps)
    if not several:
        raise ValueError("eps is empty, expected one radius or several")
    for each in several:
        check_at_least(0, eps=each)
    if any(one >= other for one, other in pairwise(several)):
        raise ValueError(f"eps is {several}, expected radii that ascend, each once: sorted(set(eps))")
    return [float(each) for each in several]
