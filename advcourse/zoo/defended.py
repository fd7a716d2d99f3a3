"""Every defense that trains, on the same network and images, made small and shipped as one table.

``load()`` hands it out; ``python -m advcourse study defenses`` trains all of it again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pandas
import torch
from scipy import stats
from torch import Tensor, nn

from advcourse import data, defenses, training
from advcourse.attacks import fgsm, pgd
from advcourse.core.files import write_json
from advcourse.core.validation import check_choice, check_count
from advcourse.evaluation import controls, evaluate, evaluate_robustness
from advcourse.networks import Normalized, StridedCNN
from advcourse.zoo._facts import today
from advcourse.zoo._runs import kept, one_cycle, seconds_of, shipped_table, timed

FILE = Path(__file__).parent / "files" / "studies" / "defenses.json"
_DATA = "fashion-mnist"


@dataclass(frozen=True)
class DefenseSettings:
    """What all runs share.

    Attributes:
        images: of Fashion-MNIST's training set, from the first.
        epochs: passes over them; the learning rate follows one cycle.
        eps: radius of the linf ball, trained and measured with.
        steps: of PGD in training.
        lr: the highest learning rate, of AdamW.
        batch_size: images per step.
        trusted: test images of the trusted evaluation.
        held_out: images of the end of the training set, on which λ of CURE is chosen.
    """

    images: int = 6_000
    epochs: int = 10
    eps: float = 0.1
    steps: int = 7
    lr: float = 3e-3
    batch_size: int = 128
    trusted: int = 200
    held_out: int = 1_000


class Arm(NamedTuple):
    """A defense: its loss for a radius, steps of PGD and steps of a warm-up; what it wants of the network; replays."""

    loss: Callable[[float, int, int], training.Loss]
    network: Callable[[nn.Module], nn.Module] | None = None
    replays: int = 1


_MEASURES = ("accuracy", "under_signs", "under_fgsm", "under_pgd", "trusted", "curvature", "cost")
CURE_H, CURE_LAM = 1.5, 10.0
"""λ is the best of ``CURE_LAMS`` on images held out (the table has them)."""
CURE_LAMS = (0.3, 1.0, 3.0, 10.0, 30.0)


def _cure(lam: float, eps: float, steps: int, warmup: int) -> training.Loss:
    return defenses.cure(h=CURE_H, lam=lam, warmup=warmup)


def _pgd(steps: int) -> Callable[..., Tensor]:
    return partial(pgd, steps=steps, random_start=True)


def blind_signs(model: nn.Module, images: Tensor, labels: Tensor, *, eps: float) -> Tensor:
    """Of the size of the attack, and blind."""
    return (images + eps * (torch.randint(0, 2, images.shape, device=images.device) * 2 - 1)).clamp(0, 1)


DEFENSES: dict[str, Arm] = {
    "standard": Arm(lambda eps, steps, warmup: training.standard_loss),
    "random signs": Arm(lambda eps, steps, warmup: defenses.adversarial(blind_signs, eps=eps)),
    "FGSM": Arm(lambda eps, steps, warmup: defenses.adversarial(fgsm, eps=eps)),
    "organic and FGSM": Arm(lambda eps, steps, warmup: defenses.organic_and_perturbed(fgsm, eps=eps)),
    "fast": Arm(lambda eps, steps, warmup: defenses.fast(eps=eps)),
    "free": Arm(lambda eps, steps, warmup: defenses.free(eps=eps), replays=4),
    "PGD": Arm(lambda eps, steps, warmup: defenses.adversarial(_pgd(steps), eps=eps, warmup=warmup)),
    "organic and PGD": Arm(
        lambda eps, steps, warmup: defenses.organic_and_perturbed(_pgd(steps), eps=eps, warmup=warmup)
    ),
    "TRADES": Arm(lambda eps, steps, warmup: defenses.trades(eps=eps, steps=steps, warmup=warmup)),
    "MART": Arm(lambda eps, steps, warmup: defenses.mart(_pgd(steps), eps=eps, warmup=warmup)),
    "AWP": Arm(lambda eps, steps, warmup: defenses.awp(_pgd(steps), eps=eps, warmup=warmup)),
    "smooth PGD": Arm(
        lambda eps, steps, warmup: defenses.adversarial(_pgd(steps), eps=eps, warmup=warmup), defenses.smooth
    ),
    "CURE": Arm(partial(_cure, CURE_LAM)),
    "LLR": Arm(lambda eps, steps, warmup: defenses.llr(eps=eps, warmup=warmup)),
}


def load(*, file: Path = FILE) -> dict:
    """The shipped table: its settings, how it was made, and ``runs``, one record for every arm and seed.

    Raises:
        FileNotFoundError: where its file is not there.
    """
    return shipped_table(file, "defenses")


def tabulated(study: dict, level: float = 0.95) -> pandas.DataFrame:
    """Per arm the mean over the seeds of what was measured, and half the width of its interval.

    ``cost`` is the processor time of the training over that of the standard run of the same seed. The interval is
    Student's, ``t s / √n``, with the deviation s of the seeds pooled over all arms, since few seeds tell little of the
    deviation of one.

    Args:
        study: from ``load``.
        level: of the intervals.
    """
    runs = pandas.DataFrame(study["runs"])
    standard = runs[runs["arm"] == "standard"].set_index("seed")["seconds"]
    runs["cost"] = runs["seconds"] / runs["seed"].map(standard)
    groups = runs.groupby("arm", sort=False)[list(_MEASURES)]
    n = groups.size()
    freedom = int((n - 1).sum())
    pooled = (groups.var().fillna(0).mul(n - 1, axis=0).sum() / max(freedom, 1)) ** 0.5
    factor = stats.t.ppf((1 + level) / 2, freedom) if freedom else float("nan")
    halves = pandas.DataFrame({f"{name} ±": factor * pooled[name] / n**0.5 for name in _MEASURES})
    return groups.mean().join(halves).assign(seeds=n)


def make(
    arms: Sequence[str] = tuple(DEFENSES),
    seeds: int = 5,
    *,
    settings: DefenseSettings = DefenseSettings(),
    device: torch.device | str = "cpu",
    file: Path = FILE,
    runs: Path | None = None,
    progress: bool = True,
) -> dict:
    """Train every arm from every seed, measure it on the test set, and write the table; returns it.

    A run that is there already is not repeated, and one that was stopped goes on from its last epoch.

    Args:
        arms: of ``DEFENSES``.
        seeds: how many, from 0.
        settings: of all runs.
        device: to train on, where accelerate finds one of its kind.
        file: to be written.
        runs: folder of the single runs; in the cache folder where it is not given.
        progress: show progress bars.

    Raises:
        ValueError: for unknown arms, a device that is not there, or where Fashion-MNIST is not at hand.
    """
    check_count(seeds=seeds)
    for arm in arms:
        check_choice("arms", arm, tuple(DEFENSES))
    device = torch.device(device)
    training.accelerator_state(device.type)
    folder = runs or data.cache_folder() / "studies" / "defenses"
    records = []
    for seed in range(seeds):
        for arm in arms:
            key = {"arm": arm, "seed": seed, **asdict(settings), "device": device.type}
            done = folder / f"{'-'.join(map(str, key.values())).replace(' ', '_')}.json"
            given = (arm, seed, settings, device, done.with_suffix(".pt"), progress)
            records.append(kept(done, partial(run_of, *given)))
    made = {
        "command": f"python -m advcourse study defenses --seeds {seeds} --device {device.type}",
        "settings": {**asdict(settings), "device": device.type, "threads": torch.get_num_threads()},
        "cure": {"h": CURE_H, "lam": CURE_LAM, "chosen": _chosen(settings, device, folder, progress)},
        **today(),
        "runs": records,
    }
    write_json(file, made, 1)
    return made


def _chosen(settings: DefenseSettings, device: torch.device, folder: Path, progress: bool) -> list[dict[str, float]]:
    """CURE for every λ of ``CURE_LAMS`` from seed 0: accuracy and that under PGD, on training images held out."""
    found = []
    for lam in CURE_LAMS:
        done = folder / f"cure-{lam}-{'-'.join(map(str, asdict(settings).values()))}-{device.type}.json"
        found.append(kept(done, partial(_held_out, lam, settings, device, done.with_suffix(".pt"), progress)))
    return found


def _held_out(
    lam: float, settings: DefenseSettings, device: torch.device, checkpoint: Path, progress: bool
) -> dict[str, float]:
    model, _ = _trained(Arm(partial(_cure, lam)), 0, settings, device, checkpoint, progress)
    images, labels, _ = data.load(_DATA, "train", stand_in=False)
    x, y = images[-settings.held_out :].to(device), labels[-settings.held_out :].to(device)
    return {"lam": lam, "accuracy": training.accuracy(model, x, y), "under_pgd": under_pgd(model, x, y, settings)}


def run_of(
    arm: str,
    seed: int,
    settings: DefenseSettings,
    device: torch.device,
    checkpoint: Path | None = None,
    progress: bool = False,
) -> dict[str, Any]:
    """The record of one run: seconds, steps, last loss, and what was measured on the test set."""
    model, record = _trained(DEFENSES[arm], seed, settings, device, checkpoint, progress)
    return {"arm": arm, "seed": seed, **record, **measures_of(model, settings, device)}


def network_of(arm: Arm, seed: int) -> nn.Module:
    """Untrained; the weights of a seed are the same for all arms."""
    torch.manual_seed(seed)
    network = Normalized(StridedCNN((16, 32), 100), (0.0,), (1.0,))
    return arm.network(network) if arm.network else network


def _trained(
    arm: Arm, seed: int, settings: DefenseSettings, device: torch.device, checkpoint: Path | None, progress: bool
) -> tuple[nn.Module, dict[str, Any]]:
    images, labels, _ = data.load(_DATA, "train", n=settings.images, stand_in=False)
    model = network_of(arm, seed).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=settings.lr)
    # free looks at each batch several times, and makes as many fewer epochs, rounded
    epochs = max(1, round(settings.epochs / arm.replays))
    steps = epochs * arm.replays * training.steps_per_epoch(len(labels), settings.batch_size)
    history = training.fit(
        model,
        (images, labels),
        arm.loss(settings.eps, settings.steps, steps // 4),
        epochs=epochs,
        optimizer=optimizer,
        scheduler=one_cycle(optimizer, settings.lr, steps),
        batch_size=settings.batch_size,
        replays=arm.replays,
        seed=seed,
        checkpoint=checkpoint,
        progress=progress,
        on_epoch_end=timed(device),
    )
    return model, {"seconds": seconds_of(history), "steps": steps, "loss": round(history[-1]["loss"], 5)}


def measures_of(model: nn.Module, settings: DefenseSettings, device: torch.device) -> dict[str, float]:
    """A network of the study on the test set: clean, under the control and attacks, what is trusted, its curvature."""
    x, y, _ = data.load(_DATA, "test", stand_in=False)
    first, labels = x[:1000].to(device), y[:1000].to(device)
    report = evaluate_robustness(
        model, first[: settings.trusted], labels[: settings.trusted], eps=settings.eps, attacks="fast", progress=False
    )
    blind = controls(model, first, labels, eps=settings.eps, draws=3)
    bent = defenses.curvature_penalty(model.eval(), first, labels, h=0.1).detach().sqrt() / 0.1
    return {
        "accuracy": training.accuracy(model, x, y),
        "under_signs": float(blind.loc["random signs", "accuracy"]),
        "under_fgsm": evaluate(model, partial(fgsm, eps=settings.eps), first, labels).robust_accuracy,
        "under_pgd": under_pgd(model, first, labels, settings),
        "trusted": report.levels[0].robust_accuracy,
        "curvature": bent.mean().item(),
    }


def under_pgd(model: nn.Module, images: Tensor, labels: Tensor, settings: DefenseSettings) -> float:
    """Accuracy under PGD-20 from a random start."""
    draws = torch.Generator(images.device).manual_seed(0)
    attack = partial(pgd, eps=settings.eps, steps=20, random_start=True, generator=draws)
    return evaluate(model, attack, images, labels).robust_accuracy
