"""Robust accuracy of the networks of ``weights`` by ``evaluation.evaluate_robustness``, and on their cards."""

from __future__ import annotations

import datetime
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from advcourse import data
from advcourse.core import files
from advcourse.evaluation import RobustnessReport, evaluate_robustness
from advcourse.zoo import weights

__all__ = ["dataset_of", "on_card", "robustness"]

KEY = "trusted"


def dataset_of(name: str) -> str:
    """The data set on whose test part a network is measured, by its name.

    Raises:
        ValueError: where the name tells none.
    """
    sets = ("fashion-mnist", "mnist", "cifar10", "gtsrb")
    for each in sets:
        if f"{each}/" in name or each.replace("-", "_") in name:
            return each
    raise ValueError(f"name is {name!r}, expected one that tells its data set: {', '.join(sets)}")


def robustness(
    name: str,
    *,
    norm: str = "linf",
    eps: float | Sequence[float],
    images: int = 200,
    attacks: str = "fast",
    seed: int = 0,
    device: torch.device | str | None = None,
    batch_size: int | None = None,
    checkpoint: str | os.PathLike | None = None,
    progress: bool = False,
) -> RobustnessReport:
    """Evaluate a network on the first ``images`` test images of its data set.

    Args:
        name: one of ``weights.names()`` that tells its data set.
        images: how many.
        device: where to compute; the CPU where it is not given.
        norm, eps, attacks, seed, batch_size, checkpoint, progress: as in ``evaluation.evaluate_robustness``.

    Raises:
        ValueError: unknown name, bad input.
        FileNotFoundError: weights or data are not at hand.
    """
    model = weights.load(name, device)
    x, y, _ = data.load(dataset_of(name), "test", n=images)
    return evaluate_robustness(
        model,
        x.to(device or "cpu"),
        y.to(device or "cpu"),
        eps=eps,
        norm=norm,
        attacks=attacks,
        seed=seed,
        batch_size=batch_size,
        checkpoint=checkpoint,
        progress=progress,
    )


def on_card(name: str, report: RobustnessReport, folder: Path = weights.FOLDER) -> dict[str, Any]:
    """Write what a report says on the network's card, in the place of what it said of that norm and those radii.

    Returns:
        The card.
    """
    card = weights.card(name, folder)
    kept = [
        each
        for each in card.get(KEY, [])
        if (each["norm"], each["eps"]) not in {(report.norm, x) for x in _eps(report)}
    ]
    found = [
        {
            "norm": report.norm,
            "eps": level.eps,
            "robust_accuracy": round(level.robust_accuracy, 4),
            "interval": [round(level.low, 4), round(level.high, 4)],
            "images": len(report.attacked),
            "attacks": report.attacks,
            "seed": report.seed,
            "date": datetime.date.today().isoformat(),
        }
        for level in report.levels
    ]
    card[KEY] = sorted(kept + found, key=lambda each: (each["norm"], each["eps"]))
    files.write_json(weights.file(name, folder).with_suffix(".json"), card)
    return card


def _eps(report: RobustnessReport) -> list[float]:
    return [level.eps for level in report.levels]
