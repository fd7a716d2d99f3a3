"""Image quilting: its search beside those of other libraries, and the whole against the size of image and database.

    python -m benchmarks.quilting

On other machines, or busy ones: ``--threads 1 --clock processor``.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from scipy.spatial import cKDTree
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from advcourse import data
from advcourse.defenses import Quilting, sample_patches
from benchmarks import report
from benchmarks.memory import peak_bytes
from benchmarks.results import Verdict
from benchmarks.scaling import threads
from benchmarks.structured_methods import pictures
from benchmarks.timing import seconds

TARGET = 15.0
"""Seconds for 100 CIFAR images and 100,000 patches."""
IMAGES, COUNT, SIZE, OVERLAP, K = 100, 100_000, 5, 2, 10
CPU = torch.device("cpu")
SEARCH_HEAD = ("search", "built, seconds", "seconds for 1000 patches", "of ours", "farther than the nearest by at most")
SIZE_HEAD = ("image", "images", "patches of each", "database", "seconds an image", "peak MiB", "of it the images")


@dataclass
class Search:
    """Seconds to build, and for a thousand queries; how much farther than the nearest what it found lies, at most."""

    name: str
    built: float
    thousand: float
    excess: float


def database(count: int, size: int = SIZE, images: int = 5000) -> Tensor:
    """Patches of CIFAR's training images."""
    generator = torch.Generator().manual_seed(0)
    return sample_patches(data.load("cifar10", "train", n=images)[0], count, size, generator=generator)


def searches(patches: Tensor, queries: Tensor, few: int, jobs: int, clock: str) -> list[Search]:
    """Ours is that of the defense, its module around it; trees are asked ``few`` of the queries."""
    asked, held = (each.flatten(1).numpy() for each in (queries, patches))

    def fitted(algorithm: str) -> NearestNeighbors:
        return NearestNeighbors(n_neighbors=K, algorithm=algorithm, n_jobs=jobs).fit(held)

    def neighbours(search: NearestNeighbors, count: int) -> np.ndarray:
        return held[search.kneighbors(asked[:count], return_distance=False)]

    methods: dict[str, tuple[Callable, Callable, int]] = {
        "advcourse": (
            lambda: Quilting(patches, k=K, overlap=0),
            lambda module, n: alone(module, queries[:n]),
            len(asked),
        ),
        "scikit-learn, brute force": (partial(fitted, "brute"), neighbours, len(asked)),
        "scikit-learn, ball tree": (partial(fitted, "ball_tree"), neighbours, few),
        "scipy, cKDTree": (
            lambda: cKDTree(held),
            lambda tree, n: held[tree.query(asked[:n], K, workers=jobs)[1]],
            few,
        ),
    }
    results = []
    for name, (build, ask, count) in methods.items():
        kept: list = []
        built = seconds(lambda build=build, kept=kept: kept.append(build()), CPU, clock)
        found = ask(kept[0], count)
        took = seconds(partial(ask, kept[0], count), CPU, clock)
        results.append(Search(name, built, 1000 * took / count, excess(asked, held, found)))
    return results


def alone(quilting: Quilting, queries: Tensor) -> np.ndarray:
    """Each patch as an image of its own: what is left of the defense is the search and the draw of one found."""
    return quilting(queries, torch.Generator().manual_seed(0)).flatten(1)[:, None].numpy()


def excess(queries: np.ndarray, held: np.ndarray, found: np.ndarray, count: int = 50) -> float:
    """By how much the squared distance, in float64, of a patch found exceeds that of the K-th nearest, at most."""
    worst = 0.0
    for query, patches in zip(queries[:count].astype(float), found, strict=False):
        kth = np.partition(((held - query) ** 2).sum(1), K - 1)[K - 1]
        worst = max(worst, float((((patches - query) ** 2).sum(1) - kth).max()))
    return worst


def whole(images: Tensor, patches: Tensor, clock: str) -> tuple[float, int]:
    """Seconds of a call, and the bytes that it holds at its peak."""
    quilting = Quilting(patches, k=K, overlap=OVERLAP)
    run = partial(quilting, images, torch.Generator().manual_seed(0))
    quilting(images[:1])
    return seconds(run, CPU, clock), peak_bytes(run)


def size_rows(sizes: Sequence[int], counts: Sequence[int], clock: str) -> list[list[str]]:
    rows = []
    for size in sizes:
        number = max(1, 32 * 32 * 16 // size**2)
        images = pictures(size, number).float() if size != 32 else data.load("cifar10", "test", n=number)[0]
        for count in counts:
            took, peak = whole(images, database(count), clock)
            across = len(range(0, size - SIZE, SIZE - OVERLAP)) + 1
            mebibytes = (peak / 2**20, images.nbytes / 2**20)
            rows.append(
                [f"{size} x {size}", number, across**2, f"{count:,}", f"{took / number:.3f}"]
                + [f"{each:.1f}" for each in mebibytes]
            )
    return rows


def target(images: int, count: int, clock: str) -> tuple[Verdict, float]:
    """The requirement beside its measurement, and the peak in MiB."""
    took, peak = whole(data.load("cifar10", "test", n=images)[0], database(count), clock)
    what = (
        f"{images} CIFAR images, {count:,} patches of {SIZE} pixels, overlap {OVERLAP}, k = {K}: at most {TARGET:g} s"
    )
    return Verdict(what, f"{took:.1f} s", took <= TARGET), peak / 2**20


def tables(
    clock: str, jobs: int, images: int, count: int, asked: int, few: int, sizes: Sequence[int], counts: Sequence[int]
) -> str:
    verdict, peak = target(images, count, clock)
    queries = sample_patches(
        data.load("cifar10", "test", n=200)[0], asked, SIZE, generator=torch.Generator().manual_seed(1)
    )
    compared = searches(database(count), queries, few, jobs, clock)
    lines = [
        (
            one.name,
            f"{one.built:.2f}",
            f"{one.thousand:.2f}",
            f"{one.thousand / compared[0].thousand:.1f}",
            f"{one.excess:.0e}",
        )
        for one in compared
    ]
    return "\n\n".join(
        [
            report.verdict_table([verdict]),
            f"The peak of that call, beyond database and images: {peak:.0f} MiB.",
            f"#### The search alone: {count:,} patches of {3 * SIZE**2} numbers",
            report.table(SEARCH_HEAD, lines),
            "#### The whole defense",
            report.table(SIZE_HEAD, size_rows(sizes, counts, clock)),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quilting", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="(%(default)s)")
    parser.add_argument("--clock", default="wall", choices=("wall", "processor"), help="(%(default)s)")
    parser.add_argument("--note", default="", help="a line about the circumstances")
    options = parser.parse_args()
    started = time.perf_counter()
    with threads(options.threads):
        text = tables(
            options.clock, options.threads, IMAGES, COUNT, 2000, 100, (32, 64, 128, 224), (1000, 10_000, COUNT)
        )
        minutes = (time.perf_counter() - started) / 60
        command = f"python -m benchmarks.quilting --threads {options.threads} --clock {options.clock}"
        packages = ("scikit-learn", "scipy")
        print(f"{report.setting(CPU, command, minutes, options.note, packages)}\n\n{text}", flush=True)


if __name__ == "__main__":
    main()
