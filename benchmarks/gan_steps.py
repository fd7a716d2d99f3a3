"""One step of the critic and one of the generator, of every GAN variant: ``python -m benchmarks.gan_steps``.

Eager beside compiled (with the time that compiling takes, and after how many steps it is made up for), float32 beside
bfloat16 (but for gradients within a loss), contiguous beside channels_last, and the steps of other libraries. Time does
not depend on the images, which are random.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from collections.abc import Sequence

import torch

from advcourse import runtime
from benchmarks import gan_peers, report
from benchmarks.gan_step import BATCH, EAGER, NETWORKS, SETTINGS, VARIANTS, Row, Timing, libraries, settings_of
from benchmarks.scaling import threads
from benchmarks.timing import CLOCKS, spread

TIMES = ("critic's step, ms", "of the first", "generator's, ms", "of the first")
HEAD = ("networks", "variant", "setting", *TIMES, "critic's gradient differs by", "compiling, s", "made up for after")
PEER_HEAD = ("networks", "library", *TIMES, "critic's loss, ours and its", "gradient differs by", "same value")


def paying(eager: Row, row: Row) -> str:
    """Steps of the critic after which compiling is made up for."""
    saved = statistics.median(eager.critic) - statistics.median(row.critic)
    return f"{row.compiling() / saved:.0f} steps" if saved > 0 else "never"


def line(row: Row, eager: Row) -> list[str]:
    head = [row.network, row.variant, row.name]
    if row.failed:
        return [*head, row.failed, *[""] * (len(HEAD) - len(head) - 1)]
    found = [*times(row), f"{row.differs:.0e}" if row is not eager else ""]
    if not SETTINGS[row.name].compiled:
        return [*head, *found, "", ""]
    return [*head, *found, f"{row.compiling():.0f}", paying(eager, row)]


def peer_line(row: Row, ours: Row) -> list[str]:
    if row.failed:
        return [row.network, row.name, *[""] * (len(PEER_HEAD) - 3), f"stops: {row.failed}"]
    beside = ["", "", ""]
    if row is not ours:
        beside = [f"{row.losses[0]:.6g}, {row.losses[1]:.6g}", f"{row.differs:.0e}", "yes" if row.same else "**no**"]
    return [row.network, row.name, *times(row), *beside]


def times(row: Row) -> list[str]:
    columns = (row.critic, row.of_critic, row.generator, row.of_generator)
    scales = ((1000, 1), (1, 2), (1000, 1), (1, 2))
    return [
        spread([scale * each for each in found], digits) for found, (scale, digits) in zip(columns, scales, strict=True)
    ]


def tables(networks: Sequence[str], variants: Sequence[str], settings: Sequence[str], timing: Timing) -> str:
    """Settings of every variant, and WGAN-GP beside the libraries that are installed."""
    lines, beside = [], []
    for network in networks:
        for variant in variants:
            rows = settings_of(network, variant, settings, timing)
            lines += [line(row, rows[0]) for row in rows]
            print(report.table(HEAD, lines[-len(rows) :]), flush=True)
        if "wgan_gp" in variants and (peers := gan_peers.installed()):
            rows = libraries(network, peers, timing)
            beside += [peer_line(row, rows[0]) for row in rows]
            print(report.table(PEER_HEAD, beside[-len(rows) :]), flush=True)
    found = report.table(HEAD, lines)
    return f"{found}\n\n{report.table(PEER_HEAD, beside)}" if beside else found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gan_steps", description=__doc__.split("\n", 1)[0])
    device = runtime.device()
    there = [
        name for name, setting in SETTINGS.items() if name != EAGER and (device.type == "cuda" or not setting.graphs)
    ]
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS), choices=list(NETWORKS))
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS), choices=list(VARIANTS))
    parser.add_argument("--settings", nargs="+", default=there, choices=there, metavar="NAME", help=f"{there}")
    parser.add_argument("--rounds", type=int, default=15, help="(%(default)s)")
    parser.add_argument(
        "--repeats", type=int, default=20 if device.type == "cuda" else 1, help="steps a round (%(default)s)"
    )
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="(%(default)s)")
    parser.add_argument("--clock", default="wall", choices=CLOCKS, help="(%(default)s)")
    parser.add_argument("--note", default="", help="a line about the circumstances")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", category=UserWarning)
    torch.compiler.config.force_disable_caches = True  # compiling takes what it takes the first time
    started = time.perf_counter()
    with threads(options.threads):
        timing = Timing(options.rounds, options.repeats, device, options.clock)
        text = tables(options.networks, options.variants, [EAGER, *options.settings], timing)
        minutes = (time.perf_counter() - started) / 60
        command = f"python -m benchmarks.gan_steps --rounds {options.rounds} --threads {options.threads}"
        command += f" --clock {options.clock}"
        print(f"{report.setting(device, command, minutes, options.note, gan_peers.installed())}\n\n{text}", flush=True)
        print(f"\nBatches of {BATCH}.")


if __name__ == "__main__":
    main()
