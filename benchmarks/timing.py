"""Time, in rounds that interleave everything compared, so that a slow minute falls on all alike."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence

import torch

CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}
"""The processor's clock adds up the threads; on one thread it leaves out what other programs take."""


def seconds(run: Callable[[], object], device: torch.device, clock: str = "wall") -> float:
    """Time of one call, once the work queued on the device is done."""
    now = CLOCKS[clock]
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    start = now()
    run()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return now() - start


def interleaved(
    runs: Mapping[str, Callable[[], object]], rounds: int, device: torch.device, clock: str = "wall", seed: int = 0
) -> dict[str, list[float]]:
    """Seconds of every run in every round. The first two of ``runs`` stay neighbours, their order alternating;
    the others follow in random order.
    """
    first, second, *others = runs
    draw = random.Random(seed)
    times: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(rounds):
        pair = [first, second] if number % 2 == 0 else [second, first]
        for name in pair + draw.sample(others, len(others)):
            times[name].append(seconds(runs[name], device, clock))
    return times


def ratios(times: Sequence[float], reference: Sequence[float]) -> list[float]:
    """One ratio per round."""
    return [one / other for one, other in zip(times, reference, strict=True)]


def spread(values: Sequence[float], digits: int = 3) -> str:
    """Median and full range."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"
