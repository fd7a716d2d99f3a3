"""The seven steps: examples made once, added to the training set, and what the network that learned them withstands.

``load()`` hands the table out; ``python -m advcourse study seven-steps`` takes all of them again.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas
import torch
from scipy import stats
from torch import Tensor, nn

from advcourse import data, training
from advcourse.attacks import fgsm, pgd
from advcourse.defenses import organic_and_perturbed
from advcourse.zoo._runs import by_seed, one_cycle, shipped_table
from advcourse.zoo.defended import DEFENSES, DefenseSettings, blind_signs, measures_of, network_of

FILE = Path(__file__).parent / "files" / "studies" / "seven-steps.json"
_DATA = "fashion-mnist"
_SETTINGS = DefenseSettings()
_MEASURES = ("accuracy", "perturbed", "under_signs", "under_fgsm", "under_pgd", "trusted")


def load(*, file: Path = FILE) -> dict:
    """The shipped table: its settings, how it was made, and ``runs``, one record for every network and seed.

    Raises:
        FileNotFoundError: where its file is not there.
    """
    return shipped_table(file, "seven-steps")


def ledger(study: dict, level: float = 0.95) -> pandas.DataFrame:
    """Per network the mean accuracy on each test set, and half the width of its interval over the seeds (Student's).

    The test sets are the organic one; ``perturbed``, made beforehand for the first network; random signs, the control;
    those of FGSM and PGD, made for the network that is tested; and what the trusted evaluation leaves.

    Args:
        study: from ``load``.
        level: of the intervals.
    """
    groups = pandas.DataFrame(study["runs"]).groupby("network", sort=False)[list(_MEASURES)]
    n = groups.size()
    half = groups.sem().mul(stats.t.ppf((1 + level) / 2, n - 1), axis=0).add_suffix(" ±")
    return groups.mean().join(half).assign(seeds=n)


def make(
    seeds: int = 5,
    *,
    settings: DefenseSettings = _SETTINGS,
    device: torch.device | str = "cpu",
    file: Path = FILE,
    runs: Path | None = None,
    progress: bool = True,
) -> dict:
    """Take the seven steps from every seed, beside training on examples that are made anew; writes the table.

    Args:
        seeds: how many, from 0; those that are there already are not repeated.
        settings: of all runs; the steps of PGD are those of the last network's training.
        device: to train on, where accelerate finds one of its kind.
        file: to be written.
        runs: folder of the single seeds; in the cache folder where it is not given.
        progress: show progress bars.

    Raises:
        ValueError: for bad input, a device that is not there, or where Fashion-MNIST is not at hand.

    Source: the deck "Adversarial Robustness in Deep Learning" (D. Sarkar & S. Paul).
    """
    run = partial(_of_seed, settings=settings, progress=progress)
    return by_seed("seven-steps", run, seeds, settings, device, file, runs)


def _of_seed(seed: int, device: torch.device, *, settings: DefenseSettings, progress: bool) -> list[dict]:
    """The seven steps, the control, and both ways of making examples anew, from one seed."""
    images, labels, _ = data.load(_DATA, "train", n=settings.images, stand_in=False)  # step 1
    tests, test_labels, _ = data.load(_DATA, "test", stand_in=False)
    tests, test_labels = tests.to(device), test_labels.to(device)
    attack, twice = partial(fgsm, eps=settings.eps), torch.cat([labels, labels])
    again = partial(pgd, steps=settings.steps, random_start=True)

    def trained(number: int, x: Tensor, y: Tensor, loss: training.Loss = training.standard_loss) -> nn.Module:
        model = network_of(DEFENSES["standard"], training.loop.mix(seed, number)).to(device)
        optimizer = torch.optim.AdamW(model.parameters(), lr=settings.lr)
        schedule = one_cycle(
            optimizer, settings.lr, settings.epochs * training.steps_per_epoch(len(y), settings.batch_size)
        )
        options = {"epochs": settings.epochs, "batch_size": settings.batch_size, "seed": seed, "progress": progress}
        training.fit(model, (x, y), loss, optimizer=optimizer, scheduler=schedule, **options)  # type: ignore[arg-type]
        return model.eval()

    def anew(made: Callable[..., Tensor]) -> training.Loss:
        return organic_and_perturbed(made, eps=settings.eps)

    first = trained(0, images, labels)  # step 2
    perturbed = _in_parts(attack, first, images.to(device), labels.to(device)).cpu()  # step 4
    perturbed_tests = _in_parts(attack, first, tests, test_labels)
    torch.manual_seed(seed)
    moved = blind_signs(first, images, labels, eps=settings.eps)
    networks = {
        "first": first,
        "retrained": trained(1, torch.cat([images, perturbed]), twice),  # step 6
        "on the perturbed alone": trained(1, perturbed, labels),
        "with random signs": trained(1, torch.cat([images, moved]), twice),
        "made anew, FGSM": trained(1, images, labels, anew(fgsm)),
        "made anew, PGD": trained(1, images, labels, anew(again)),
    }
    records = []
    for name, model in networks.items():  # steps 3, 5 and 7, and what they leave out
        old = {"perturbed": training.accuracy(model, perturbed_tests, test_labels)}
        records.append({"network": name, "seed": seed, **old, **measures_of(model, settings, device)})
    return records


def _in_parts(attack: partial[Tensor], model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    parts = zip(images.split(1000), labels.split(1000), strict=True)
    return torch.cat([attack(model, x, y) for x, y in parts])
