"""Natural shifts: what training for robustness, AdvProp and noisy student do to images that nobody attacked.

``load()`` hands the table out; ``python -m advcourse study shifts`` trains all of it again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas
import torch
from scipy import stats
from torch import Tensor, nn

from advcourse import data, defenses, training
from advcourse.attacks import fgsm, pgd
from advcourse.evaluation import evaluate
from advcourse.networks import StridedCNN
from advcourse.zoo._runs import by_seed, shipped_table

FILE = Path(__file__).parent / "files" / "studies" / "shifts.json"
_DATA = "fashion-mnist"


@dataclass(frozen=True)
class ShiftSettings:
    """What all runs share.

    Attributes:
        images: of Fashion-MNIST's training set, from the first.
        labelled: how many of them the teacher of the noisy student has labels of.
        epochs: passes over all of them; the teacher takes as many steps.
        eps: radius of the linf ball of AdvProp and of the adversarial arm.
        lr: of Adam.
        batch_size: images per step.
        rounds: of noisy student.
    """

    images: int = 6_000
    labelled: int = 600
    epochs: int = 10
    eps: float = 0.03
    lr: float = 2e-3
    batch_size: int = 128
    rounds: int = 2


SHIFTS = ("clean", "noise", "blur", "contrast", "JPEG")


def shifts(images: Tensor, seed: int = 0) -> dict[str, Tensor]:
    """The images as they are and under four natural shifts, by name.

    They are: normal noise of deviation 0.15; a Gaussian blur of one pixel; two fifths of the contrast, around mid-grey;
    a JPEG file of quality 10.

    Args:
        images: ``(N, C, H, W)`` in [0, 1].
        seed: of the noise.

    Source: four of the kinds of Hendrycks & Dietterich 2019, arXiv:1903.12261, at sizes of our own.
    """
    draws = torch.Generator().manual_seed(seed)
    noise = torch.randn(images.shape, generator=draws, dtype=images.dtype).to(images.device)
    moved = ((images + 0.15 * noise).clamp(0, 1), defenses.Blur(1.0)(images), 0.5 + 0.4 * (images - 0.5))
    return dict(zip(SHIFTS, (images, *moved, defenses.JPEG(10)(images)), strict=True))


def small_network(dropout: float = 0.0) -> nn.Module:
    """Two strided convolutions with BatchNorm and two linear layers."""
    *first, last = StridedCNN((16, 32), 100)
    norms = [first[0], nn.BatchNorm2d(16), *first[1:3], nn.BatchNorm2d(32), *first[3:]]
    return nn.Sequential(*norms, nn.Dropout(dropout), last)


def load(*, file: Path = FILE) -> dict:
    """The shipped table: its settings, how it was made, and ``runs``, one record for every arm and seed.

    Raises:
        FileNotFoundError: where its file is not there.
    """
    return shipped_table(file, "shifts")


def gains(study: dict, level: float = 0.95) -> pandas.DataFrame:
    """Per arm the mean accuracy on each shift, its gain over its baseline, and half the width of the gain's interval.

    The gain is the mean over the seeds of the difference from the arm that it builds on, with Student's t: the teacher
    for the noisy student and for the same without noise, the standard network for the others.

    Args:
        study: from ``load``.
        level: of the intervals.
    """
    runs = pandas.DataFrame(study["runs"]).set_index(["arm", "seed"])[[*SHIFTS, "under_pgd"]]
    rows = {}
    for arm in dict.fromkeys(runs.index.get_level_values("arm")):
        own, base = runs.loc[arm], runs.loc["teacher" if "student" in arm or "teacher" in arm else "standard"]
        n, gain = len(own), own - base
        half = stats.t.ppf((1 + level) / 2, n - 1) * gain.sem() if n > 1 else 0 * gain.mean() + float("nan")
        rows[arm] = pandas.concat([own.mean(), gain.mean().add_suffix(" gain"), half.add_suffix(" ±")])
    return pandas.DataFrame.from_dict(rows, orient="index").assign(seeds=runs.groupby("arm").size())


def make(
    seeds: int = 5,
    *,
    settings: ShiftSettings = ShiftSettings(),
    device: torch.device | str = "cpu",
    file: Path = FILE,
    runs: Path | None = None,
    progress: bool = True,
) -> dict:
    """Train every arm from every seed, measure it on the test set, and write the table; returns it.

    Args:
        seeds: how many, from 0; those that are there already are not repeated.
        settings: of all runs.
        device: to train on, where accelerate finds one of its kind.
        file: to be written.
        runs: folder of the single seeds; in the cache folder where it is not given.
        progress: show progress bars.

    Raises:
        ValueError: for bad input, a device that is not there, or where Fashion-MNIST is not at hand.
    """
    run = partial(_of_seed, settings=settings, progress=progress)
    return by_seed("shifts", run, seeds, settings, device, file, runs)


def _of_seed(seed: int, device: torch.device, *, settings: ShiftSettings, progress: bool) -> list[dict]:
    """All arms from one seed."""
    images, labels, _ = data.load(_DATA, "train", n=settings.images, stand_in=False)
    few = images[: settings.labelled], labels[: settings.labelled]
    mild = partial(fgsm, eps=settings.eps)

    def fit(
        model: nn.Module,
        batch: tuple[Tensor, Tensor],
        loss: training.Loss,
        augment: Callable[[Tensor], Tensor] | None = None,
    ) -> nn.Module:
        optimizer = torch.optim.Adam(model.parameters(), lr=settings.lr)
        epochs = max(1, round(settings.epochs * settings.images / len(batch[0])))
        options = {"epochs": epochs, "batch_size": settings.batch_size, "augment": augment, "seed": seed}
        training.fit(model, batch, loss, optimizer=optimizer, progress=progress, **options)  # type: ignore[arg-type]
        return model.eval()

    def fresh(number: int = 0, dropout: float = 0.0) -> nn.Module:
        torch.manual_seed(training.loop.mix(seed, number))
        return small_network(dropout).to(device)

    def students(dropout: float, augment: Callable[[Tensor], Tensor] | None) -> nn.Module:
        train = partial(fit, augment=augment)
        make_student = partial(fresh, dropout=dropout)
        told = few, images[settings.labelled :]
        return defenses.noisy_student(arms["teacher"], make_student, *told, train, rounds=settings.rounds)[-1]

    whole, standard = (images, labels), training.standard_loss
    crop = partial(training.random_crop, padding=2)
    arms = {"standard": fit(fresh(), whole, standard)}
    arms["random crops"] = fit(fresh(), whole, standard, crop)
    arms["adversarial"] = fit(fresh(), whole, defenses.adversarial(mild))
    arms["AdvProp"] = fit(defenses.split_batchnorm(fresh()), whole, defenses.advprop(mild))
    arms["teacher"] = fit(fresh(), few, standard)
    arms["teacher with noise"] = fit(fresh(dropout=0.2), few, standard, crop)
    arms["noisy student"] = students(0.2, crop)
    arms["student without noise"] = students(0.0, None)
    return [{"arm": arm, "seed": seed, **_measured(model, settings, device)} for arm, model in arms.items()]


def _measured(model: nn.Module, settings: ShiftSettings, device: torch.device) -> dict[str, float]:
    x, y, _ = data.load(_DATA, "test", stand_in=False)
    found = {name: training.accuracy(model, shifted, y) for name, shifted in shifts(x).items()}
    attack = partial(pgd, eps=settings.eps, steps=20)
    under = evaluate(model, attack, x[:1000].to(device), y[:1000].to(device))
    return found | {"under_pgd": under.robust_accuracy}
