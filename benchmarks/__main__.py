"""``python -m benchmarks``: measure, print, and write the tables into ``benchmarks/README.md``."""

from __future__ import annotations

import argparse
import time
import warnings

import torch

from advcourse import runtime
from benchmarks import (
    augmentation,
    beyond,
    footprint,
    measure,
    minimal,
    overhead,
    report,
    scaling,
    steps,
    structured,
    timing,
)
from benchmarks.cases import Case, cases
from benchmarks.peers import PACKAGES

PARTS = (
    "import",
    "cifar10",
    "imagenet",
    "steps",
    "minimal",
    "spatial",
    "universal",
    "flow",
    "recolor",
    "augmentation",
    "overhead",
)
ON_CIFAR10 = ("cifar10", "minimal", "spatial", "universal", "augmentation", "overhead")
IMPORTS = ["import advcourse", "import advcourse.attacks"]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.split(":", 1)[1].strip())
    parser.add_argument("--cifar10", default="cifar10/resnet20", help="network for CIFAR-10 (%(default)s)")
    parser.add_argument("--imagenet", default="imagenet", help="network for photographs (%(default)s: that at hand)")
    parser.add_argument("--photographs", type=int, default=128, help="how many at once where only ours is timed")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="(all)")
    parser.add_argument("--attacks", nargs="+", choices=overhead.ATTACKS, help="of `overhead`, printed alone (all)")
    parser.add_argument("--rounds", type=int, help="rounds of every comparison, in place of each one's own number")
    parser.add_argument("--clock", default="wall", choices=timing.CLOCKS, help="(%(default)s)")
    parser.add_argument("--note", default="", help="a line for the README about the circumstances")
    parser.add_argument("--dry", action="store_true", help="leave the README as it is")
    options = parser.parse_args()
    options.dry |= options.attacks is not None
    warnings.filterwarnings("ignore", category=UserWarning)
    device = runtime.device()
    networks = cases(options.cifar10, options.imagenet, options.photographs)
    for part in options.only:
        started = time.perf_counter()
        print(f"\n{part}", flush=True)
        if part == "import":
            text = _import(options)
        elif part == "steps":
            text = steps.table(device)
        elif part == "minimal":
            text = _minimal(options, device)
        elif part == "spatial":
            verdict, row = beyond.spatial_grid(options.cifar10, 100, options.rounds or 3, device, options.clock)
            text = f"{report.verdict_table([verdict])}\n\n{report.table(beyond.SPATIAL_HEAD, [row])}"
        elif part == "universal":
            verdict, rows = beyond.universal_methods(options.cifar10, 200, 500, device)
            text = f"{report.verdict_table([verdict])}\n\n{report.table(beyond.UNIVERSAL_HEAD, rows)}"
        elif part in ("flow", "recolor"):
            with scaling.threads(torch.get_num_threads()):
                text = structured.tables(part, device, options.clock, options.rounds or 15)
        elif part == "overhead":
            only = options.attacks or overhead.ATTACKS
            text = overhead.tables(options.cifar10, 128, options.rounds or 3, device, options.clock, only)
        elif part == "augmentation":
            text = augmentation.tables(options.cifar10, 1280, options.rounds or 5, device, options.clock)
        else:
            text = _networks(networks[part], options, device)
        minutes = (time.perf_counter() - started) / 60
        packages = {"flow": ("scipy",), "recolor": ("scipy",), "augmentation": ("accelerate",), "overhead": ()}.get(
            part, PACKAGES
        )
        setting = report.setting(device, _command(part, options), minutes, options.note, packages)
        print(f"{setting}\n\n{text}", flush=True)
        if not options.dry:
            report.write(f"{setting}\n\n{text}", part)


def _import(options: argparse.Namespace) -> str:
    extra = footprint.extra_seconds(IMPORTS, options.rounds or 7, options.clock)
    heavy = {statement: ", ".join(footprint.heavy(statement)) or "none" for statement in IMPORTS}
    return report.import_tables(extra, heavy)


def _networks(chosen: list[Case], options: argparse.Namespace, device: torch.device) -> str:
    rows, memories = [], []
    for case in chosen:
        runtime.seed_everything(0)
        loaded = case.load(device)
        for budget, rounds in case.plan:
            newest = measure.compare(case, budget, options.rounds or rounds, *loaded, clock=options.clock)
            rows += newest
            over = report.spread(newest[0].over_bare)
            print(f"\n{report.spelled(budget)}: over bare passes {over}\n{report.library_table(newest)}", flush=True)
            if not case.frozen:
                memories.append(measure.memory(case, budget, *loaded))
                print(f"peak memory: {memories[-1].batches:.2f} image batches beyond a bare pass", flush=True)
    return report.network_tables(rows, memories)


def _minimal(options: argparse.Namespace, device: torch.device) -> str:
    groups = []
    for case in minimal.cases(options.cifar10, options.imagenet):
        runtime.seed_everything(0)
        loaded = case.load(device)
        for search, rounds in case.plan:
            groups.append(minimal.compare(case, search, options.rounds or rounds, loaded, options.clock))
            print(f"\n{search.title}: {case.title}\n{report.minimal_table(groups[-1])}", flush=True)
    return report.minimal_tables(groups)


def _command(part: str, options: argparse.Namespace) -> str:
    """The command that measures this part again."""
    values = {"clock": options.clock} if part != "steps" else {}
    values |= {"rounds": options.rounds} if options.rounds and part != "steps" else {}
    values |= {"cifar10": options.cifar10} if part in ON_CIFAR10 else {}
    values |= {"imagenet": options.imagenet} if part in ("imagenet", "minimal") else {}
    values |= {"photographs": options.photographs} if part == "imagenet" else {}
    if part == "overhead" and options.attacks:
        values["attacks"] = " ".join(f'"{name}"' for name in options.attacks)
    return " ".join([f"python -m benchmarks --only {part}", *(f"--{name} {value}" for name, value in values.items())])


if __name__ == "__main__":
    main()
