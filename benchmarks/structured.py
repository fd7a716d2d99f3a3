"""Structured perturbations from 16 to 1024 pixels a side: time, memory, and how they grow."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from advcourse.structured import Photometric, eigenbasis
from benchmarks import report
from benchmarks.memory import peak_bytes
from benchmarks.results import Verdict
from benchmarks.scaling import (
    FITTED_FROM,
    Cell,
    exponents,
    in_fresh_process,
    resident_growth,
    rounds_of,
    spelled,
    timed,
)
from benchmarks.structured_methods import FORMS, METHODS, NUMBER, Method, Solve, case, pictures, residual
from benchmarks.timing import seconds

SIZES = (16, 32, 64, 96, 128, 224, 256, 512, 1024)
DENSE_LIMIT = 2 * 2**30
LINEAR = 1.05
CPU = torch.device("cpu")


def at_once(part: str, method: Method, size: int, device: torch.device) -> int:
    """Images in a batch: at most two million pixels; one where each image has a matrix of its own."""
    batched = (part == "flow" and not method.dense) or (device.type == "cuda" and method.iterative)
    return max(1, min(32, 2**21 // size**2)) if batched else 1


def measure(part: str, method: Method, size: int, device: torch.device, clock: str) -> Cell:
    """Time and memory of one method at one size, or a cell without either where a dense matrix is too large."""
    count = at_once(part, method, size, device)
    cell = Cell(method.name, device.type, size, count, kept=NUMBER * size**4)
    if method.dense and cell.kept > DENSE_LIMIT:
        return cell
    images, gradient = case(method, size, count, device)
    held: dict[str, Tensor | Solve] = {}

    def trial(n: int = count) -> tuple[float, float]:
        held.clear()
        built = seconds(lambda: held.update(solve=method.build(images[:n])), device, clock)
        with counted() as calls:
            solved = seconds(lambda: held.update(solution=held["solve"](gradient[:n])), device, clock)
        cell.products = calls[0] if method.iterative else None
        return built / (1 if method.shared else n), solved / n

    first: list[tuple[float, float]] = []
    if method.on_device:
        cell.peak = peak_bytes(lambda: first.append(trial(1)), device)
    else:
        cell.peak, cell.resident = in_fresh_process(resident_peak, part, method.name, size), True
        first.append(trial(1))
    rounds = rounds_of(trial, first[0] if count == 1 else None)
    cell.set_up, cell.solve = ([one[i] for one in rounds] for i in (0, 1))
    cell.residual = residual(part, method, images, gradient, held["solution"])
    held.clear()
    cell.kept = method.kept(images[:1])
    return cell


def resident_peak(part: str, name: str, size: int) -> int | None:
    """Growth of a fresh process's resident set by setting up and solving for one image."""
    method = next(method for method in METHODS[part] if method.name == name)
    for n in (8, size):  # the first loads what is loaded late
        images, gradient = case(method, n, 1, CPU)
        grown = resident_growth(lambda x=images, g=gradient: method.build(x)(g))
    return grown


@contextmanager
def counted() -> Iterator[list[int]]:
    """How often the operators of a recolouring are applied, as one count."""
    calls, originals = [0], {name: getattr(Photometric, name) for name in ("smooth", "edges")}

    def counting(original: Callable[[Photometric, Tensor], Tensor]) -> Callable[[Photometric, Tensor], Tensor]:
        def run(parts: Photometric, z: Tensor) -> Tensor:
            calls[0] += 1
            return original(parts, z)

        return run

    try:
        for name, original in originals.items():
            setattr(Photometric, name, counting(original))
        yield calls
    finally:
        for name, original in originals.items():
            setattr(Photometric, name, original)


def tables(part: str, device: torch.device, clock: str, rounds: int) -> str:
    """Requirements, exponents, and a row for every method and size."""
    groups = []
    for method in METHODS[part]:
        places = [CPU, device] if method.on_device and device.type == "cuda" else [CPU]
        for place in places:
            groups.append([])
            for size in SIZES:
                groups[-1].append(measure(part, method, size, place, clock))
                print(*line(groups[-1][-1]), flush=True)
    eigen = {size: eigen_seconds(size, rounds) for size in (32, 96, 224)} if part == "recolor" else {}
    held = recolor_verdicts(rounds, eigen[32]) if eigen else flow_verdicts(rounds)
    held += grown(groups)
    if device.type == "cuda":
        held += [on_gpu(part, group) for group in groups if group[0].where == "cuda" and "dense" not in group[0].method]
    missing = "" if device.type == "cuda" else "\n\nNot measured: the requirements for a GPU (no CUDA device)."
    parts = [report.verdict_table(held) + missing]
    parts += ["#### Growth: the p of N^p, and the sides fitted", report.table(GROWTH, map(growth, groups))]
    parts += ["#### Time and memory", report.table(HEAD, [line(cell) for group in groups for cell in group])]
    if eigen:
        rows = [[str(size), spelled(times, 1000)] for size, times in eigen.items()]
        parts += ["#### 16 eigenvectors of an image, one thread, processor time"]
        parts += [report.table(("side", "ms an image"), rows)]
    return "\n\n".join(parts)


HEAD = (
    "method",
    "side",
    "images at once",
    "set-up, ms",
    "solve, ms an image",
    "kept, MiB",
    "peak, MiB",
    "residual",
    "products",
)
GROWTH = ("method", "set-up", "solve", "memory kept", "peak memory")


def line(cell: Cell) -> list[str]:
    name = f"{cell.method} ({cell.where})"
    if not cell.ran:
        return [name, str(cell.size), "", f"not run: {cell.kept / 2**30:.4g} GiB", *[""] * 5]
    peak = "" if cell.peak is None else f"{cell.peak / 2**20:.2f}"
    times = [spelled(values, 1000) for values in (cell.set_up, cell.solve)]
    products = "" if cell.products is None else str(cell.products)
    memory = [f"{cell.kept / 2**20:.2f}", peak]
    return [name, str(cell.size), str(cell.images), *times, *memory, f"{cell.residual:.1e}", products]


def growth(cells: list[Cell]) -> list[str]:
    found = [f"{p:.2f} ({sizes[0]} to {sizes[-1]})" if len(sizes) > 1 else "" for p, sizes in exponents(cells).values()]
    return [f"{cells[0].method} ({cells[0].where})", *found]


def grown(groups: list[list[Cell]]) -> list[Verdict]:
    """Memory linear in N, of the library's methods."""
    found = []
    for cells in groups:
        if not (cells[0].method.endswith("dense") or cells[0].method == "sparse LU"):
            kept, peak = (exponents(cells)[name][0] for name in ("kept", "peak"))
            what = f"{cells[0].method} ({cells[0].where}): memory linear in N from {FITTED_FROM}², p at most {LINEAR}"
            found.append(Verdict(what, f"{kept:.2f} kept, {peak:.2f} at the peak", max(kept, peak) <= LINEAR))
    return found


def on_gpu(part: str, cells: list[Cell]) -> Verdict:
    cell = next(cell for cell in cells if cell.size == 224)
    limit = 50e-6 if part == "flow" else 20e-3
    what = f"{cell.method}, 224², {cell.images} images at once, GPU: at most {1000 * limit:g} ms an image"
    if not cell.ran:
        return Verdict(what, "not run", False)
    return Verdict(what, f"{spelled(cell.solve, 1000)} ms", statistics.median(cell.solve) <= limit)


def flow_verdicts(rounds: int) -> list[Verdict]:
    dense, _, transform = METHODS["flow"]
    images, gradient = case(transform, 224, 32, CPU)
    solve, found = transform.build(images), []
    for threads, clock, words in ((2, "wall", "two threads, wall"), (1, "processor", "one thread, processor")):
        times = timed(lambda: solve(gradient), rounds, threads, clock, CPU)
        found.append(timely(f"flow, 224², 32 images at once, {words} time", [t / 32 for t in times], 5e-3))
    images, gradient = case(dense, 32, 32, CPU)
    reference = dense.build(images)(gradient)
    error = ((transform.build(images)(gradient) - reference).abs().max() / reference.abs().max()).item()
    what = "flow, 32², float64: equal to the dense solve to 1e-10 of its largest value"
    return [*found, Verdict(what, f"{error:.1e}", error <= 1e-10)]


def recolor_verdicts(rounds: int, eigen: list[float]) -> list[Verdict]:
    methods, found = {method.name: method for method in METHODS["recolor"]}, []
    for form in FORMS:
        for solver in ("sparse LU", "PCG"):
            method = methods[f"{form}, {solver}"]
            images, gradient = case(method, 224, 1, CPU)
            solve = method.build(images)
            error = residual("recolor", method, images, gradient, solve(gradient))
            what = f"recolour, {method.name}, 224²: relative residual at most 1e-5"
            found.append(Verdict(what, f"{error:.1e}", error <= 1e-5))
            if solver == "sparse LU":
                times = timed(lambda solve=solve, g=gradient: solve(g), rounds, 2, "wall", CPU)
                what = f"recolour, {method.name}, 224², after factorisation, two threads, wall time"
                found.append(timely(what, times, 0.5))
    return [*found, timely("16 eigenvectors, 32², one thread, processor time", eigen, 0.05)]


def timely(what: str, times: list[float], limit: float) -> Verdict:
    median = statistics.median(times)
    return Verdict(f"{what}: at most {1000 * limit:g} ms an image", f"{spelled(times, 1000)} ms", median <= limit)


def eigen_seconds(size: int, rounds: int) -> list[float]:
    """A different image each time, since bases are kept."""
    images = pictures(size, 4).repeat(-(-(rounds + 1) // 4), 1, 1, 1)
    # no two alike
    images = iter(images * (1 - 1e-3 * torch.arange(len(images)))[:, None, None, None])
    return timed(lambda: eigenbasis(next(images), 16), rounds, 1, "processor", CPU)
