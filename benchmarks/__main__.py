"""``python -m benchmarks``: measure, print, and write the tables into ``benchmarks/README.md``."""

from __future__ import annotations

import argparse
import time
import warnings

import torch

from advcourse import runtime
from benchmarks import footprint, measure, report, steps, timing
from benchmarks.cases import cases
from benchmarks.results import verdicts

IMPORTS = ["import advcourse", "import advcourse.attacks"]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.split(":", 1)[1].strip())
    parser.add_argument("--cifar10", default="cifar10/resnet20", help="network for CIFAR-10 (%(default)s)")
    parser.add_argument("--imagenet", default="imagenet", help="network for photographs (%(default)s: that at hand)")
    parser.add_argument("--rounds", type=int, help="rounds of every comparison, in place of each one's own number")
    parser.add_argument("--clock", default="wall", choices=timing.CLOCKS, help="(%(default)s)")
    parser.add_argument("--note", default="", help="a line for the README about the circumstances")
    parser.add_argument("--dry", action="store_true", help="leave the README as it is")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", category=UserWarning)
    started = time.perf_counter()
    device = runtime.device()
    imports = footprint.extra_seconds(IMPORTS, options.rounds or 7, options.clock)
    heavy = {statement: ", ".join(footprint.heavy(statement)) or "none" for statement in IMPORTS}
    print({statement: report.spread(extra, 2) for statement, extra in imports.items()}, flush=True)
    rows, memories = [], []
    for case in cases(options.cifar10, options.imagenet):
        print(f"\n{case.title}", flush=True)
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
        if not options.dry:  # after every network: an interrupted run leaves what it measured
            minutes = (time.perf_counter() - started) / 60
            setting = report.setting(device, _command(options), options.clock, minutes, options.note)
            held = verdicts(rows, memories, imports)
            report.write(f"{setting}\n\n{report.render(rows, memories, imports, heavy, held)}")
    per_step = steps.table(device)
    if not options.dry:
        report.write(f"Threads: {torch.get_num_threads()}.\n\n{per_step}", "steps")
    for verdict in verdicts(rows, memories, imports):
        print(f"{'reached' if verdict.reached else 'MISSED':8} {verdict.requirement}: {verdict.measured}")


def _command(options: argparse.Namespace) -> str:
    """The command that measures the same again."""
    values = {"cifar10": options.cifar10, "imagenet": options.imagenet, "clock": options.clock}
    values |= {"rounds": options.rounds} if options.rounds else {}
    return " ".join(["python -m benchmarks", *(f"--{name} {value}" for name, value in values.items())])


if __name__ == "__main__":
    main()
