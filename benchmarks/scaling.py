"""How time and memory grow with the number of pixels."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from benchmarks.timing import seconds, spread

FITTED_FROM = 64
NOTICED = 16 * 2**20
ROUNDS = 7
PATIENCE = 10.0
"""Seconds after which no further round is begun."""


@dataclass
class Cell:
    """One method at one size. Seconds hold a number per round; bytes are those of one image."""

    method: str
    where: str
    size: int
    images: int
    set_up: list[float] = field(default_factory=list)
    solve: list[float] = field(default_factory=list)
    kept: int = 0
    peak: int | None = None
    resident: bool = False
    """The peak is that of a resident set, which tells nothing below ``NOTICED``."""
    residual: float = 0.0
    products: int | None = None

    @property
    def ran(self) -> bool:
        return bool(self.solve)


def exponent(sizes: Sequence[int], values: Sequence[float]) -> float:
    """The p of the least-squares fit of values to a constant times Nᵖ, N the pixels of an image ``size`` wide."""
    if len(sizes) < 2:
        return float("nan")
    return float(np.polyfit(2 * np.log(sizes), np.log(values), 1)[0])


def exponents(cells: Sequence[Cell]) -> dict[str, tuple[float, list[int]]]:
    """Of one method: p of each time and each memory, and the sides fitted, from ``FITTED_FROM`` on."""
    fitted = [cell for cell in cells if cell.ran and cell.size >= FITTED_FROM]
    seen = [cell for cell in fitted if cell.peak and (not cell.resident or cell.peak >= NOTICED)]
    quantities: dict[str, tuple[list[Cell], Callable[[Cell], float]]] = {
        "set-up": (fitted, lambda cell: statistics.median(cell.set_up)),
        "solve": (fitted, lambda cell: statistics.median(cell.solve)),
        "kept": (fitted, lambda cell: cell.kept),
        "peak": (seen, lambda cell: cell.peak),
    }
    return {
        name: (exponent([cell.size for cell in of], [value(cell) for cell in of]), [cell.size for cell in of])
        for name, (of, value) in quantities.items()
    }


def rounds_of(trial: Callable[[], tuple[float, float]], first: tuple[float, float] | None) -> list[tuple[float, float]]:
    """Up to ``ROUNDS`` trials, begun within ``PATIENCE`` seconds.

    Args:
        trial: set up and solve; the seconds of both.
        first: an equal trial that went before: the warm-up, and the only round where it took so long.
    """
    if first is not None and sum(first) > PATIENCE:
        return [first]
    start, found = time.perf_counter(), []
    while len(found) < ROUNDS and (not found or time.perf_counter() - start < PATIENCE):
        found.append(trial())
    return found


@contextmanager
def threads(count: int) -> Iterator[None]:
    """PyTorch's and the linear algebra's threads alike."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        with threadpool_limits(count):
            yield
    finally:
        torch.set_num_threads(before)


def timed(run: Callable[[], object], rounds: int, count: int, clock: str, device: torch.device) -> list[float]:
    """Seconds of every round after a warm-up, on so many threads."""
    with threads(count):
        run()
        return [seconds(run, device, clock) for _ in range(rounds)]


def in_fresh_process(function: Callable[..., int | None], *arguments: object) -> int | None:
    """What a function of a module returns when a new interpreter calls it: nothing freed there is used again."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def resident_growth(run: Callable[[], object]) -> int | None:
    """By how much the process's largest resident set grows while ``run`` runs; Linux alone tells."""
    before = _largest_resident()
    run()
    after = _largest_resident()
    return None if before is None or after is None else after - before


def _largest_resident() -> int | None:
    # Not getrusage's figure, which begins at that of the process that started this one.
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    found = [int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")]
    return found[0] if found else None


def spelled(values: Sequence[float], scale: float = 1.0) -> str:
    """Median and range over the rounds, or the one number there is."""
    scaled = [value * scale for value in values]
    middle = statistics.median(scaled)
    digits = 3 if middle < 1 else 2 if middle < 100 else 0
    return spread(scaled, digits) if len(scaled) > 1 else f"{middle:.{digits}f}"
