"""Comparisons that take an hour or more to train, made by this project and shipped as small tables.

``load("augmentation")`` hands one out; ``python -m advcourse study augmentation`` makes it again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas
import torch
from scipy import stats
from torch import Tensor, nn

from advcourse import data, training
from advcourse.core.files import write_json
from advcourse.core.validation import check_above, check_at_most, check_choice, check_count
from advcourse.networks import CifarResNet, Normalized
from advcourse.structured import (
    BasisCache,
    augmented,
    basis_operator,
    cache_eigenbases,
    flow,
    flow_step,
    random_flow_step,
    random_recolor_step,
    recolor,
    recolor_step,
)
from advcourse.training import image_by_image
from advcourse.zoo._facts import today
from advcourse.zoo._runs import kept, one_cycle, seconds_of, shipped_table, timed

FOLDER = Path(__file__).parent / "files" / "studies"
CLASSES, VECTORS, ATTACKED = 10, 16, 1000
BATCH, LR = 128, 0.2
MEASURES = ("accuracy", "under_flow", "under_recolor")
STRUCTURED = ("", "flow", "recolor")
POLICIES = ("basic", "auto", "rand")
ARMS = tuple(" + ".join(filter(None, (first, policy))) for policy in POLICIES for first in STRUCTURED)
TWICE = ", twice the epochs"
AT_RANDOM = ("random field", "random recolor")
CONTROLS = tuple(f"{first} + {policy}" for policy in POLICIES for first in AT_RANDOM)
CONTROLS += tuple(policy + TWICE for policy in POLICIES)
"""What of an arm's gain is due to the gradient, and what would a structure of the same size drawn at random do? And a
structured step costs about as much as a step of training: what does that time buy spent on more epochs?"""


@dataclass(frozen=True)
class Settings:
    """What all arms of the augmentation study share.

    Attributes:
        images: of CIFAR-10's training set.
        epochs: passes over them; the learning rate follows one cycle.
        blocks, width: the network, ``CifarResNet(blocks, width=width)``.
        gamma, max_displacement: of the flow, the length of an image's drawn uniformly up to it.
        strength: of the recolouring, drawn likewise.
        mixed_precision: as in ``training.fit``.
    """

    images: int = 5000
    epochs: int = 30
    blocks: int = 1
    width: int = 16
    gamma: float = 1.0
    max_displacement: float = 0.5
    strength: float = 0.05
    mixed_precision: str = "bf16"


def names() -> list[str]:
    """Every name that ``load`` and ``make`` know."""
    return ["augmentation"]


def file(name: str, folder: Path = FOLDER) -> Path:
    """File of that study's table."""
    check_choice("name", name, tuple(names()))
    return folder / f"{name}.json"


def load(name: str = "augmentation", *, folder: Path = FOLDER) -> dict:
    """A shipped study: its settings, how it was made, and ``runs``, one record for every arm and seed.

    Raises:
        ValueError: for an unknown name.
        FileNotFoundError: where its file is not there.
    """
    return shipped_table(file(name, folder), name)


def summary(study: dict, measure: str = "accuracy", level: float = 0.95) -> pandas.DataFrame:
    """Per arm: mean and standard deviation over the seeds, and the gain over the same policy alone.

    The gain is the mean of the differences dₛ between two runs of one seed s, which begin at the same weights and see
    the images in the same order, with the interval ``d̄ ± t σ / √n`` of Student's t, σ their standard
    deviation and n the number of seeds.

    Args:
        study: from ``load``.
        measure: of ``MEASURES``.
        level: of the interval, in (0, 1).

    Raises:
        ValueError: for an unknown measure, or a level that is none.
    """
    check_choice("measure", measure, MEASURES)
    check_above(0, level=level)
    check_at_most(1, level=level)
    runs = pandas.DataFrame(study["runs"]).pivot(index="seed", columns="arm", values=measure)
    rows = {}
    for arm in (arm for arm in ARMS + CONTROLS if arm in runs):
        alone = _policy_of(arm)
        row = {"seeds": runs[arm].count(), "mean": runs[arm].mean(), "deviation": runs[arm].std()}
        if alone != arm and alone in runs:
            gains = (runs[arm] - runs[alone]).dropna()
            half = stats.t.ppf((1 + level) / 2, len(gains) - 1) * gains.sem()
            row |= {"gain": gains.mean(), "low": gains.mean() - half, "high": gains.mean() + half}
        rows[arm] = row
    return pandas.DataFrame.from_dict(rows, orient="index")


def make(
    name: str,
    arms: Sequence[str],
    seeds: int,
    settings: Settings,
    device: torch.device,
    *,
    folder: Path = FOLDER,
    runs: Path | None = None,
    workers: int = 1,
    progress: bool = True,
) -> dict:
    """Train every arm from every seed, measure it on the test set, and write the table; returns it.

    The nine arms are those of the deck: a structured step (none, flow, recolour), then a policy (``basic``: shifts by
    up to 4 pixels and mirroring; ``auto`` and ``rand``: the same, then AutoAugment or RandAugment). A run that is
    there already is not repeated, and one that was stopped goes on from its last epoch.

    Args:
        name: of the study.
        arms: of ``ARMS`` and ``CONTROLS``.
        seeds: how many, from 0.
        settings: of all runs.
        device: to train on, where accelerate finds one of its kind.
        folder: of the table.
        runs: folder of the single runs and of the eigenbases; default: in the cache folder.
        workers: processes that find eigenbases.
        progress: show progress bars.

    Raises:
        ValueError: for bad input, a device that is not there, or where CIFAR-10 is not at hand.
    """
    target = file(name, folder)
    check_count(seeds=seeds)
    for arm in arms:
        check_choice("arms", arm, ARMS + CONTROLS)
    training.accelerator_state(device.type)
    runs = runs or data.cache_folder() / "studies" / name
    images, labels, _ = data.load("cifar10", "train", n=settings.images, stand_in=False)
    tests = data.load("cifar10", "test", stand_in=False)[:2]
    caches = {
        split: cache_eigenbases(x, VECTORS, runs / f"bases-{split}-{len(x)}", workers=workers, progress=progress)
        for split, x in (("train", images), ("test", tests[0][:ATTACKED]))
    }
    records = []
    for seed in range(seeds):
        for arm in arms:
            key = {"arm": arm, "seed": seed, **asdict(settings), "device": device.type}
            named = "-".join(map(str, key.values())).replace(", ", "-").replace(" ", "-")
            done = runs / f"{named}.json"
            given = (arm, seed, settings, device, (images, labels), tests, caches, done.with_suffix(".pt"), progress)
            records.append(kept(done, partial(_recorded, key, *given)))
    shared = {**asdict(settings), "device": device.type}
    table = {
        "command": _command(name, arms, seeds, settings, device),
        "settings": shared | {"batch_size": BATCH, "peak_learning_rate": LR, "test_images": len(tests[1])},
        **today(),
        "runs": [{key: value for key, value in record.items() if key not in shared} for record in records],
    }
    write_json(target, table, 1)
    return table


def _recorded(key: dict, *given: Any) -> dict:
    return key | _run(*given)


def _run(
    arm: str,
    seed: int,
    settings: Settings,
    device: torch.device,
    train: tuple[Tensor, Tensor],
    tests: tuple[Tensor, Tensor],
    caches: dict[str, BasisCache],
    checkpoint: Path,
    progress: bool,
) -> dict:
    torch.manual_seed(seed)
    network = CifarResNet(settings.blocks, CLASSES, settings.width)
    model = Normalized(network, (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)).to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=LR, momentum=0.9, nesterov=True, weight_decay=5e-4)
    epochs = settings.epochs * (2 if arm.endswith(TWICE) else 1)
    schedule = one_cycle(optimizer, LR, epochs * training.steps_per_epoch(len(train[1]), BATCH))
    structured = arm.split(" + ")[:-1]
    moved: dict[str, Any] = {"gamma": settings.gamma, "max_displacement": settings.max_displacement, "uniform": True}
    coloured: dict[str, Any] = {"bases": caches["train"], "strength": settings.strength, "uniform": True}
    perturb = {
        "flow": partial(flow_step, **moved),
        "recolor": partial(recolor_step, **coloured),
        "random field": partial(random_flow_step, **moved),
        "random recolor": partial(random_recolor_step, **coloured),
    }
    history = training.fit(
        model,
        train,
        augmented(perturb[structured[0]] if structured else None, _policy(_policy_of(arm))),
        epochs=epochs,
        optimizer=optimizer,
        scheduler=schedule,
        batch_size=BATCH,
        seed=seed,
        checkpoint=checkpoint,
        mixed_precision=settings.mixed_precision,
        progress=progress,
        on_epoch_end=timed(device),
    )
    return {
        "accuracy": training.accuracy(model, *tests),
        **_under_attack(
            model, settings, tests[0][:ATTACKED].to(device), tests[1][:ATTACKED].to(device), caches["test"]
        ),
        "loss": round(history[-1]["loss"], 5),
        "seconds": seconds_of(history),
    }


def _policy_of(arm: str) -> str:
    return arm.removesuffix(TWICE).split(" + ")[-1]


def _policy(name: str) -> Callable[[Tensor], Tensor]:
    if name == "basic":
        return training.random_crop
    from torchvision.transforms import v2

    policy = v2.AutoAugment(v2.AutoAugmentPolicy.CIFAR10) if name == "auto" else v2.RandAugment()
    drawn = image_by_image(policy)
    return lambda images: drawn(training.random_crop(images))


def _under_attack(model: nn.Module, settings: Settings, images: Tensor, labels: Tensor, bases: BasisCache) -> dict:
    """Accuracy on images that five steps of flow, or of recolour, have changed within the bounds of training."""
    model.eval()
    right = {"under_flow": 0, "under_recolor": 0}
    for x, y in zip(images.split(250), labels.split(250), strict=True):
        bent = flow(model, x, y, gamma=settings.gamma, max_displacement=settings.max_displacement, steps=5)
        recoloured = recolor(model, x, y, strength=settings.strength, steps=5, operator=basis_operator(bases.of(x)))
        for name, changed in zip(right, (bent, recoloured), strict=True):
            with torch.no_grad():
                right[name] += (model(changed).argmax(1) == y).sum().item()
    return {name: count / len(labels) for name, count in right.items()}


def _command(name: str, arms: Sequence[str], seeds: int, settings: Settings, device: torch.device) -> str:
    chosen = {key: value for key, value in asdict(settings).items() if value != getattr(Settings(), key)}
    options = "".join(f" --{key.replace('_', '-')} {value}" for key, value in chosen.items())
    named = " ".join(f'"{arm}"' for arm in arms)
    return f"python -m advcourse study {name} --seeds {seeds} --arms {named}{options} --device {device.type}"
