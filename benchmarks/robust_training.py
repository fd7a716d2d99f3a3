"""What training for robustness costs and where it arrives: ``python -m benchmarks.robust_training``.

An epoch of every defense over a standard one and beside its passes; the same by ART's trainers, where it is installed.
With ``--equal``, the processor time of whole runs to an accuracy that the trusted evaluation measures.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import torch
from torch import Tensor

from advcourse import data, runtime, training
from advcourse.zoo.defended import DEFENSES, DefenseSettings, network_of, run_of, under_pgd
from benchmarks import report, training_peers
from benchmarks.passes import per_image, recorded
from benchmarks.scaling import threads
from benchmarks.timing import CLOCKS, interleaved, ratios, spread

HEAD = ("training", "forwards", "backwards", "an epoch, s", "of a standard one", "of its passes")
PEER_HEAD = ("training", "library", "an epoch, s", "of ours", "accuracy", "under PGD-20")
EQUAL_HEAD = ("training", "epochs", "seconds", "accuracy", "trusted")
EQUAL = {"PGD": (1, 2, 3, 5), "fast": (2, 5, 10), "CURE": (5, 10, 20)}
"""Epochs of whole runs, each with a schedule of its own."""
STANDARD = "standard"


@dataclass
class Row:
    """An epoch of a defense: passes of an image, seconds and those over the standard epoch, in every round."""

    name: str
    forwards: float
    backwards: float
    seconds: list[float] = field(default_factory=list)
    of_standard: list[float] = field(default_factory=list)

    @property
    def floor(self) -> float:
        """Standard epochs that the passes make: a forward and a backward pass are one."""
        return (self.forwards + self.backwards) / 2

    def line(self) -> list[str]:
        over = [each / self.floor for each in self.of_standard]
        found = [f"{self.forwards:g}", f"{self.backwards:g}", spread(self.seconds, 2)]
        return [self.name, *found, spread(self.of_standard, 2), spread(over, 2)]


def epoch(arm: str, x: Tensor, y: Tensor, settings: DefenseSettings) -> Callable[[], None]:
    """An epoch of ``training.fit`` with that defense, from fresh weights, with all replays of a batch."""
    defense = DEFENSES[arm]

    def run() -> None:
        model = network_of(defense, 0).to(x.device)
        optimizer = torch.optim.AdamW(model.parameters(), lr=settings.lr)
        loss = defense.loss(settings.eps, settings.steps, 0)
        options = {"batch_size": settings.batch_size, "replays": defense.replays, "progress": False}
        training.fit(model, (x, y), loss, epochs=1, optimizer=optimizer, **options)

    return run


def passes(arm: str, x: Tensor, y: Tensor, settings: DefenseSettings) -> tuple[float, float]:
    """Forward and backward passes of an image in an epoch."""
    model = network_of(DEFENSES[arm], 0).to(x.device)
    loss = DEFENSES[arm].loss(settings.eps, settings.steps, 0)
    found = [0.0, 0.0]
    for _ in range(DEFENSES[arm].replays):
        with recorded(model) as made:
            loss(model, x, y).backward()
        found = [old + new for old, new in zip(found, per_image(made, len(x)), strict=True)]
    return found[0], found[1]


def costs(arms: Sequence[str], x: Tensor, y: Tensor, settings: DefenseSettings, rounds: int, clock: str) -> list[Row]:
    """A row for every arm, timed in the same rounds as the standard epoch, which is the first."""
    arms = [STANDARD, *(arm for arm in arms if arm != STANDARD)]
    rows = [Row(arm, *passes(arm, x[:16], y[:16], settings)) for arm in arms]
    runs = {arm: epoch(arm, x, y, settings) for arm in arms}
    for run in runs.values():
        run()
    times = interleaved(runs, rounds, x.device, clock)
    for row in rows:
        row.seconds, row.of_standard = times[row.name], ratios(times[row.name], times[STANDARD])
    return rows


def peers(
    x: Tensor, y: Tensor, few: int, test: tuple[Tensor, Tensor], settings: DefenseSettings, rounds: int, clock: str
) -> str:
    """Each of ART's trainers beside ours: an epoch of the first ``few`` images timed, then where whole runs lead."""
    lines = []
    for name, both in training_peers.PAIRS.items():
        runs = {library: partial(train, x[:few], y[:few], settings, epochs=1) for library, train in both.items()}
        for run in runs.values():
            run()
        times = interleaved(runs, rounds, x.device, clock)
        for library, train in both.items():
            model = train(x, y, settings, epochs=settings.epochs)
            found = [training.accuracy(model, *test), under_pgd(model, *test, settings)]
            beside = ratios(times[library], times["advcourse"])
            timed = [spread(times[library], 2), spread(beside, 2)]
            lines.append([name, library, *timed, *(f"{each:.1%}" for each in found)])
            print(report.table(PEER_HEAD, lines[-1:]), flush=True)
    return report.table(PEER_HEAD, lines)


def equal(settings: DefenseSettings, device: torch.device, epochs: dict[str, tuple[int, ...]]) -> str:
    """Whole runs of several lengths: seconds of training, and the trusted evaluation's accuracy."""
    lines = []
    for arm, lengths in epochs.items():
        for length in lengths:
            run = run_of(arm, 0, replace(settings, epochs=length), device)
            found = [f"{run['seconds']:.0f}", f"{run['accuracy']:.1%}", f"{run['trusted']:.1%}"]
            lines.append([arm, length, *found])
            print(report.table(EQUAL_HEAD, lines[-1:]), flush=True)
    return report.table(EQUAL_HEAD, lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.robust_training", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--arms", nargs="+", default=list(DEFENSES), choices=list(DEFENSES), metavar="NAME")
    parser.add_argument("--images", type=int, default=2048, help="of an epoch that is timed (%(default)s)")
    parser.add_argument("--rounds", type=int, default=7, help="(%(default)s)")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="(%(default)s)")
    parser.add_argument("--clock", default="wall", choices=CLOCKS, help="(%(default)s)")
    parser.add_argument("--equal", action="store_true", help="whole runs of several lengths, and nothing else")
    parser.add_argument("--note", default="", help="a line about the circumstances")
    options = parser.parse_args()
    device, started, settings = runtime.device(), time.perf_counter(), DefenseSettings()
    with threads(options.threads):
        x, y, _ = data.load("fashion-mnist", "train", n=settings.images)
        x, y = x.to(device), y.to(device)
        if options.equal:
            text = equal(settings, device, EQUAL)
        else:
            few = (x[: options.images], y[: options.images])
            rows = costs(options.arms, *few, settings, options.rounds, options.clock)
            text = report.table(HEAD, [row.line() for row in rows])
            print(text, flush=True)
            if training_peers.installed():
                test = data.load("fashion-mnist", "test", n=1000)[:2]
                there = (test[0].to(device), test[1].to(device))
                text += "\n\n" + peers(x, y, options.images, there, settings, options.rounds, options.clock)
        minutes = (time.perf_counter() - started) / 60
        command = f"python -m benchmarks.robust_training --threads {options.threads} --clock {options.clock}"
        command += " --equal" if options.equal else f" --images {options.images} --rounds {options.rounds}"
        print(f"{report.setting(device, command, minutes, options.note, training_peers.installed())}\n\n{text}")


if __name__ == "__main__":
    main()
