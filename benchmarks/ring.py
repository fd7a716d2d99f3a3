"""GAN variants on the ring of eight Gaussians, from several seeds: ``python -m benchmarks.ring``.

Every variant gets the same networks and points; its optimiser is its own but for the rate. Counted are the modes among
2,500 points of the average of the generator's weights, and of the generator as it ended.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

import torch
from torch import nn

from advcourse import gan
from advcourse.gan import RING_METHODS, RingMethod
from advcourse.gan.metrics import Coverage, mode_coverage, ring_centres
from benchmarks.report import table

POINTS, BATCH, LATENT, WIDTH, DEPTH, RATE, DECAY = 25_600, 256, 2, 128, 3, 1e-3, 0.999
SAMPLES = 2_500


@dataclass(frozen=True)
class Method:
    """How a variant is played, and its passes over the points."""

    played: RingMethod
    epochs: int = 30


METHODS = {
    "GAN, saturating": Method(RING_METHODS["GAN, saturating"]),
    "GAN": Method(RING_METHODS["GAN"]),
    "WGAN, clipped at 0.1": Method(RING_METHODS["WGAN"]),
    "WGAN-GP, λ 0.1": Method(RING_METHODS["WGAN-GP"]),
    "WGAN-GP, λ 10": Method(RingMethod(gan.wgan_gp(), critic_steps=2)),
    "R3GAN, γ 0.05": Method(RING_METHODS["R3GAN"], epochs=20),
}


def played(method: Method, seed: int) -> tuple[Coverage, Coverage, float]:
    """Coverage of the average and of the generator itself, and seconds of the processor."""
    before, every = time.process_time(), POINTS // BATCH
    networks = {"batch_size": BATCH, "width": WIDTH, "depth": DEPTH}
    game = {"steps": method.epochs * every, "every": every, "learning_rate": RATE, "decay": DECAY}
    run = gan.play_ring(method.played, **game, **networks, seed=seed, progress=False)  # type: ignore[arg-type]
    return run.coverage, covered(run.generator), time.process_time() - before


@torch.no_grad()
def covered(generator: nn.Module) -> Coverage:
    latents = torch.randn(SAMPLES, LATENT, generator=torch.Generator().manual_seed(1))
    return mode_coverage(generator(latents), ring_centres())


def lines(found: dict[str, list[tuple[Coverage, Coverage, float]]]) -> list[list[str]]:
    rows = []
    for name, runs in found.items():
        averages, lasts, seconds = zip(*runs, strict=True)
        modes = sorted(each.value for each in averages)
        good = sorted(each.good for each in averages)
        row = [f"{sum(each == 8 for each in modes)} of {len(modes)}", f"{sum(each <= 3 for each in modes)}"]
        row += [f"{good[len(good) // 2]:.0%} ({good[0]:.0%} to {good[-1]:.0%})"]
        row += [f"{sorted(each.value for each in lasts)[len(lasts) // 2]}", f"{max(seconds):.0f}"]
        rows.append([name, *row])
    return rows


HEAD = ["variant", "all 8 modes", "at most 3", "good points, median", "modes of the last weights, median", "s at most"]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ring", description=__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="how many, from 0 (%(default)s)")
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS), metavar="NAME")
    options = parser.parse_args()
    torch.set_num_threads(1)
    found: dict[str, list[tuple[Coverage, Coverage, float]]] = {}
    for name in options.methods:
        for seed in range(options.seeds):
            found.setdefault(name, []).append(played(METHODS[name], seed))
            print(name, seed, *map(str, found[name][-1][:2]), f"{found[name][-1][2]:.1f} s", flush=True)
    print(table(HEAD, lines(found)))


if __name__ == "__main__":
    main()
