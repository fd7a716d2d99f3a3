"""One attack from every library on one batch: what it reaches, what it costs."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from advcourse.core.balls import norms
from benchmarks.cases import Case
from benchmarks.memory import peak_bytes
from benchmarks.passes import Pass, bare, per_image, recorded
from benchmarks.peers import MAKERS, Budget, Run
from benchmarks.results import Memory, Row
from benchmarks.timing import interleaved, ratios

BARE = "bare passes"
ROUNDING = 1e-6


def judge(
    model: nn.Module, budget: Budget, images: Tensor, labels: Tensor, result: Tensor
) -> tuple[float, float, float]:
    """Success rate, mean L2 and mean linf of what a library returned, by one rule for all.

    Raises:
        ValueError: where an image is misshapen, or further outside the box or the ball than rounding explains.
    """
    result = result.detach()
    distance = norms(result - images, budget.norm)
    if result.shape != images.shape or result.min() < -ROUNDING or result.max() > 1 + ROUNDING:
        raise ValueError(f"returned images {tuple(result.shape)} in [{result.min()}, {result.max()}]")
    if distance.max() > budget.eps * (1 + 1e-5) + ROUNDING:
        raise ValueError(f"returned an image {distance.max()} away, in {budget.norm}, with {budget.eps} allowed")
    with torch.no_grad():
        success = model(result).argmax(1) != labels
    l2, linf = norms(result - images, "l2"), norms(result - images, "linf")
    return success.double().mean().item(), l2.mean().item(), linf.mean().item()


def _trial(model: nn.Module, run: Run, images: Tensor, labels: Tensor) -> tuple[list[Pass], Tensor]:
    """One call, its passes counted; it also warms up."""
    with recorded(model) as passes:
        result = run(images, labels)
    model.zero_grad(set_to_none=True)
    return passes, result


def compare(
    case: Case,
    budget: Budget,
    rounds: int,
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    classes: int,
    clock: str = "wall",
) -> list[Row]:
    """A row per library, timed in the same rounds; the first library's passes are also run bare."""
    runs = {name: MAKERS[name](model, budget, images, classes) for name in case.libraries}
    floor: list[Pass] = []
    rows = []
    for name, run in runs.items():
        passes, result = _trial(model, run, images, labels)
        floor = floor or passes
        forwards, backwards = per_image(passes, len(images))
        success, l2, linf = judge(model, budget, images, labels, result)
        rows.append(Row(case.title, budget, name, len(images), forwards, backwards, success, l2, linf))
    timed = {name: lambda run=run: run(images, labels) for name, run in runs.items()}
    times = interleaved({BARE: lambda: bare(model, images, labels, floor), **timed}, rounds, images.device, clock)
    model.zero_grad(set_to_none=True)
    for row in rows:
        row.seconds = times[row.library]
        row.over_ours = ratios(times[row.library], times[rows[0].library])
    rows[0].over_bare = ratios(rows[0].seconds, times[BARE])
    return rows


def memory(case: Case, budget: Budget, model: nn.Module, images: Tensor, labels: Tensor, classes: int) -> Memory:
    """Peak of ours, beside the peak of one bare forward and backward pass."""
    ours = MAKERS["advcourse"](model, budget, images, classes)
    one = [Pass(len(images), graph=True, backwards=1)]
    floor = peak_bytes(lambda: bare(model, images, labels, one), images.device)
    peak = peak_bytes(lambda: ours(images, labels), images.device)
    return Memory(case.title, budget, images.nbytes, floor, peak)
