"""Metrics of generators beside torch-fidelity's and torchmetrics': ``python -m benchmarks.gan_metrics``.

Every library is given the same images and ``mnist/cnn`` as the extractor. There is no generator: digits of the training
set without the nines, with noise, stand for a fair one, and a hundred of them, repeated, for one that has collapsed.
"""

from __future__ import annotations

import argparse
import time
import warnings

import torch
from torch import Tensor

from advcourse import data, models, runtime
from benchmarks import report
from benchmarks.gan_metric_peers import NAME, SEED, WAYS, Numbers, Sets, Way, installed
from benchmarks.scaling import threads
from benchmarks.timing import CLOCKS, seconds

HEAD = ("made images", "number", "beside", "ours", "its", "relative difference", "seconds, ours", "its")


def compared(title: str, sets: Sets, library: str, clock: str) -> list[list[str]]:
    """A row for each number of each metric that the library has."""
    rows = []
    for pair in WAYS[library]:
        found: list[Numbers] = []
        took = [taken(way, sets, clock, found) for way in pair]
        if found[0].keys() != found[1].keys():
            raise ValueError(f"{library} returned {', '.join(found[1])}, expected {', '.join(found[0])}")
        spent = [f"{each:.2f}" for each in took]
        for name, ours in found[0].items():
            its = found[1][name]
            rows.append([title, name, library, f"{ours:.7g}", f"{its:.7g}", f"{difference(ours, its):.0e}", *spent])
            spent = ["", ""]
    return rows


def taken(way: Way, sets: Sets, clock: str, found: list[Numbers]) -> float:
    """Seconds of a call, whose numbers join what is found."""
    return seconds(lambda: found.append(way(sets)), sets.real.device, clock)


def difference(ours: float, its: float) -> float:
    return abs(its - ours) / max(abs(ours), 1e-12)


def collections(count: int, device: torch.device) -> dict[str, tuple[Tensor, Tensor]]:
    """Real and made images, under the title of the latter."""
    real = data.load("mnist", "test", n=count)[0].to(device)
    images, labels = data.load("mnist", "train", n=2 * count)[:2]
    images = images[labels != 9][:count]
    noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(SEED))
    fair = (images + 0.1 * noise).clamp(0, 1)
    collapsed = fair[torch.arange(len(fair)) % 100]
    return {"fair": (real, fair.to(device)), "collapsed": (real, collapsed.to(device))}


def tables(count: int, clock: str, device: torch.device) -> str:
    classifier, rows = models.load(NAME).to(device).eval(), []
    for title, (real, made) in collections(count, device).items():
        sets = Sets(real, made, classifier)
        sets.both(), sets.logits()  # a warm-up
        for library in installed():
            newest = compared(title, sets, library, clock)
            print(report.table(HEAD, newest), flush=True)
            rows += newest
    return report.table(HEAD, rows)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gan_metrics", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--images", type=int, default=10_000, help="of each kind (%(default)s)")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="(%(default)s)")
    parser.add_argument("--clock", default="wall", choices=CLOCKS, help="(%(default)s)")
    parser.add_argument("--note", default="", help="a line about the circumstances")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", category=UserWarning)
    started = time.perf_counter()
    with threads(options.threads):
        text = tables(options.images, options.clock, runtime.device())
        minutes = (time.perf_counter() - started) / 60
        command = f"python -m benchmarks.gan_metrics --images {options.images} --threads {options.threads}"
        command += f" --clock {options.clock}"
        print(f"{report.setting(runtime.device(), command, minutes, options.note, installed())}\n\n{text}", flush=True)


if __name__ == "__main__":
    main()
