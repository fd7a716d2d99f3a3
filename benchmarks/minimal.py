"""Minimal-norm attacks beside other libraries' and beside the floor in passes."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from advcourse.core.balls import norms
from advcourse.core.running import count_passes
from benchmarks.cases import Case
from benchmarks.measure import ROUNDING
from benchmarks.minimal_peers import MAKERS, Search
from benchmarks.results import SLOWER_THAN_FASTEST, Verdict
from benchmarks.timing import ratios, seconds, spread

SLOW = 4
LONGER = {"deepfool": 1.02, "carlini_wagner": 1.01, "ddn": 1.02}


@dataclass
class Found:
    """One library's search on one batch; ``distance`` is NaN where the network was not fooled."""

    case: Case
    search: Search
    library: str
    forwards: float
    backwards: float
    classes: int
    distance: Tensor
    seconds: list[float] = field(default_factory=list)

    @property
    def success(self) -> float:
        return (~self.distance.isnan()).double().mean().item()

    def median(self) -> float:
        return self.distance.nanmedian().item() if self.success else float("nan")

    def floor(self) -> str:
        """Forward and backward passes that its number of steps asks for."""
        if self.search.attack == "deepfool":
            steps = self.forwards - 1
            return f"{steps + 1:.1f} + {steps * ((self.search.candidates or self.classes) - 1):.1f}"
        total = self.search.steps * self.search.search_steps
        return f"{total} + {total}"


def cases(cifar10: str, imagenet: str) -> list[Case]:
    """Few images: Carlini & Wagner's attack takes hundreds of passes for each."""

    def small(candidates: int) -> tuple[tuple[Search, int], ...]:
        few = Search("deepfool", 50, candidates=candidates)
        return (Search("deepfool", 50), 5), (few, 5), (Search("carlini_wagner", 100, 9), 1), (Search("ddn", 100), 3)

    large = ((Search("deepfool", 50, candidates=10), 3), (Search("ddn", 20), 3))
    everyone = tuple(MAKERS)
    return [
        Case("mnist/cnn", "mnist", 16, small(5), everyone),
        Case(cifar10, "cifar10", 8, small(3), everyone),
        Case(imagenet, "imagenet-samples", 2, large, ("advcourse", "foolbox", "adv-lib")),
    ]


def compare(case: Case, search: Search, rounds: int, loaded: tuple, clock: str) -> list[Found]:
    """A row per library that has the attack. The passes of the first round are counted; who is more than
    ``SLOW`` times as slow as ours in it is not timed again.
    """
    model, images, labels, classes = loaded
    runs = {name: MAKERS[name](model, search, images, classes) for name in case.libraries}
    runs = {name: run for name, run in runs.items() if run is not None}
    with torch.enable_grad():
        model(images.clone().requires_grad_()).sum().backward()  # the first pass prepares kernels
    found = {}
    for number in range(rounds):
        for name in list(runs)[:: 1 if number % 2 == 0 else -1]:
            if number and found[name].seconds[0] > SLOW * found["advcourse"].seconds[0]:
                continue
            result = []
            with count_passes(model) as passes:
                took = seconds(lambda: result.append(runs[name](images, labels)), images.device, clock)  # noqa: B023
            model.zero_grad(set_to_none=True)
            if number == 0:
                each = (passes.forwards / len(images), passes.backwards / len(images))
                distance = judge(model, images, labels, result[0])
                found[name] = Found(case, search, name, *each, classes, distance)
            found[name].seconds.append(took)
    return list(found.values())


def judge(model: nn.Module, images: Tensor, labels: Tensor, result: Tensor) -> Tensor:
    """L2 distance of each image that fools the network, NaN for the others.

    Raises:
        ValueError: where images are misshapen, or further outside the box than rounding explains.
    """
    result = result.detach()
    if result.shape != images.shape or result.min() < -ROUNDING or result.max() > 1 + ROUNDING:
        raise ValueError(f"returned images {tuple(result.shape)} in [{result.min()}, {result.max()}]")
    with torch.no_grad():
        fooled = model(result).argmax(1) != labels
    return norms(result - images, "l2").where(fooled, torch.nan)


def verdicts(group: list[Found]) -> list[Verdict]:
    """What is asked of ours, against the others of one comparison."""
    ours, *others = group
    search, where = ours.search, f"{ours.search.title}, {ours.case.title}"
    held = []
    complete = [row.library for row in others if row.library in ("foolbox", "adv-lib") and row.success == 1]
    if complete:
        measured = f"{100 * ours.success:.1f} %"
        held.append(Verdict(f"{where}: every image fooled, as by {', '.join(complete)}", measured, ours.success == 1))
    longer = {}
    for row in others:
        both = ~(ours.distance.isnan() | row.distance.isnan())
        if both.any():
            longer[row.library] = (ours.distance[both].median() / row.distance[both].median()).item()
    if longer:
        worst = max(longer, key=longer.get)
        limit = LONGER[search.attack]
        what = f"{where}: median L2 at most {limit} of every other's, over the images both fool"
        held.append(Verdict(what, f"{longer[worst]:.3f} of {worst}'s", longer[worst] <= limit))
    for row in others:
        if row.library == "adv-lib" and search.attack != "ddn":
            measured = f"{ours.forwards:.1f} + {ours.backwards:.1f} against {row.forwards:.1f} + {row.backwards:.1f}"
            reached = ours.forwards <= row.forwards and ours.backwards <= row.backwards
            held.append(Verdict(f"{where}: passes no more than adv-lib's, forward and backward", measured, reached))
    if others:
        fastest = min(others, key=lambda row: statistics.median(row.seconds))
        over = statistics.median(ratios(ours.seconds[: len(fastest.seconds)], fastest.seconds))
        what = f"{where}: time at most {SLOWER_THAN_FASTEST} of the fastest other's"
        held.append(Verdict(what, f"{over:.3f} of {fastest.library}'s", over <= SLOWER_THAN_FASTEST))
    return held


def few_candidates(all_of_them: Found, few: Found) -> Verdict:
    """``candidates`` beside all classes: the same distance for far fewer passes."""
    longer = few.distance.nanmedian() / all_of_them.distance.nanmedian()
    over = statistics.median(ratios(few.seconds, all_of_them.seconds))
    what = (
        f"{few.search.title}, {few.case.title}: median L2 at most 1.02 of all classes', half their backwards, less time"
    )
    fewer = few.backwards / all_of_them.backwards
    measured = f"{longer:.3f}, with {fewer:.2f} of the backwards in {over:.2f} of the time"
    return Verdict(what, measured, longer.item() <= 1.02 and fewer <= 0.5 and over < 1)


HEAD = ("library", "success", "median L2", "mean L2", "forwards", "backwards", "floor", "seconds", "time over ours")


def lines(group: list[Found]) -> list[list[str]]:
    """A table's rows; the floor is the formula's for ours."""
    rows = []
    for row in group:
        rows.append(
            [
                row.library,
                f"{100 * row.success:.1f} %",
                f"{row.median():.4f}",
                f"{row.distance.nanmean():.4f}",
                f"{row.forwards:.2f}",
                f"{row.backwards:.2f}",
                row.floor() if row is group[0] else "",
                f"{statistics.median(row.seconds):.2f}",
                "1" if row is group[0] else spread(ratios(row.seconds, group[0].seconds[: len(row.seconds)]), 2),
            ]
        )
    return rows
