"""GAN variants on the ring of eight Gaussians, from several seeds: ``python -m benchmarks.ring``.

Every variant has the networks, rate, batches and number of steps of the others, and k = 1; the moments of Adam are its
own. Counted are the modes among 2,500 points of the average of the generator's weights, and of the generator as it
ended.
"""

from __future__ import annotations

import argparse
import time

import torch

from advcourse import gan
from advcourse.gan import RING_METHODS, RingMethod
from advcourse.gan.metrics import Coverage, mode_coverage, ring_centres
from benchmarks.report import table

GAME = {"steps": 3_000, "every": 500, "learning_rate": 2e-3, "critic_steps": 1, "decay": 0.99}
SAMPLES = 2_500
METHODS = RING_METHODS | {"WGAN-GP, λ 10": RingMethod(gan.wgan_gp())}
Run = tuple[Coverage, Coverage, float]


def played(method: RingMethod, seed: int) -> Run:
    """Coverage of the average and of the generator itself, and seconds of the processor."""
    before = time.process_time()
    run = gan.play_ring(method, **GAME, seed=seed, progress=False)  # type: ignore[arg-type]
    seconds = time.process_time() - before
    latents = torch.randn(SAMPLES, 2, generator=torch.Generator().manual_seed(1))
    return run.coverage, mode_coverage(gan.generate(run.generator, latents), ring_centres()), seconds


def lines(found: dict[str, list[Run]]) -> list[list[str]]:
    rows = []
    for name, runs in found.items():
        averages, lasts, seconds = zip(*runs, strict=True)
        row = [name]
        for kind in (averages, lasts):
            good = sorted(each.good for each in kind)
            row += [
                f"{sum(each.value == 8 for each in kind)} of {len(kind)}",
                f"{sum(each.value <= 3 for each in kind)}",
            ]
            row += [f"{good[len(good) // 2]:.0%} ({good[0]:.0%} to {good[-1]:.0%})"]
        rows.append([*row, f"{max(seconds):.0f}"])
    return rows


HEAD = ["variant", "average: all 8 modes", "at most 3", "good points, median (range)"]
HEAD += ["last weights: all 8", "at most 3", "good points", "s at most"]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ring", description=__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="how many, from 0 (%(default)s)")
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS), metavar="NAME")
    options = parser.parse_args()
    torch.set_num_threads(1)
    found: dict[str, list[Run]] = {}
    for name in options.methods:
        for seed in range(options.seeds):
            found.setdefault(name, []).append(played(METHODS[name], seed))
            print(name, seed, *map(str, found[name][-1][:2]), f"{found[name][-1][2]:.1f} s", flush=True)
    print(table(HEAD, lines(found)))


if __name__ == "__main__":
    main()
