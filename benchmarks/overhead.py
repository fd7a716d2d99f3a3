"""The attacks that came with the evaluation: time over their passes run bare, and peak memory beyond one bare pass,
which goes back where theirs do.
"""

from __future__ import annotations

import statistics
from collections.abc import Collection
from functools import partial

import torch

from advcourse import attacks
from benchmarks.cases import Case
from benchmarks.memory import peak_bytes
from benchmarks.passes import Pass, bare, per_image, recorded
from benchmarks.report import table, verdict_table
from benchmarks.results import Verdict
from benchmarks.timing import interleaved, ratios, spread

OVER_BARE = 1.10
BATCHES, BATCHES_L1 = 8, 30
EPS = {"linf": 2 / 255, "l2": 0.25, "l1": 4.0}  # small, so that many images stay to the last step

ATTACKS = {
    "fgsm, l2": partial(attacks.fgsm, eps=0.25, norm="l2"),
    "alma": partial(attacks.alma, steps=20),
    **{f"pdpgd, {norm}": partial(attacks.pdpgd, norm=norm, steps=20) for norm in EPS},
    "σ-zero": partial(attacks.sigma_zero, steps=20),
    "ead": partial(attacks.ead, steps=10, search_steps=1),
    "super_deepfool": partial(attacks.super_deepfool, steps=1, search_steps=2),
    "deepfool, targeted": partial(attacks.deepfool, steps=5),
    **{f"fmn, {norm}": partial(attacks.fmn, norm=norm, steps=20) for norm in ("l2", "linf", "l1", "l0")},
    **{f"apgd, {norm}": partial(attacks.apgd, eps=eps, norm=norm, steps=20) for norm, eps in EPS.items()},
    **{f"fab, {norm}": partial(attacks.fab, norm=norm, steps=3) for norm in EPS},
    **{f"square, {norm}": partial(attacks.square, eps=eps, norm=norm, queries=30) for norm, eps in EPS.items()},
}
"""Few steps each: what a step costs beside its passes does not change."""

HEAD = ["attack", "forwards an image", "backwards", "time over bare passes", "beyond a bare pass, in image batches"]


def tables(
    network: str, count: int, rounds: int, device: torch.device, clock: str, only: Collection[str] = ATTACKS
) -> str:
    """A row for each attack, and what is asked of all beside its worst."""
    model, images, labels, classes = Case(network, "cifar10", count, ()).load(device)
    rows, over, held = [], {}, {}
    for name, attack in ((name, attack) for name, attack in ATTACKS.items() if name in only):
        more = {"targets": (labels + 1) % classes} if "targeted" in name else {}
        run = partial(attack, model, images, labels, **more)
        with recorded(model) as passes:
            run()
        floor = partial(bare, model, images, labels, passes)
        backwards = int(any(made.backwards for made in passes))
        one = peak_bytes(partial(bare, model, images, labels, [Pass(len(images), backwards > 0, backwards)]), device)
        times = interleaved({"bare passes": floor, name: run}, rounds, device, clock)
        over[name] = ratios(times[name], times["bare passes"])
        held[name] = (peak_bytes(run, device) - one) / (images.numel() * images.element_size())
        each = [f"{number:.1f}" for number in per_image(passes, len(images))]
        rows.append([name, *each, spread(over[name]), f"{held[name]:.2f}"])
        print("  ".join(rows[-1]), flush=True)
    return f"{verdict_table(verdicts(over, held, network, count))}\n\n{table(HEAD, rows)}"


def verdicts(over: dict[str, list[float]], held: dict[str, float], network: str, count: int) -> list[Verdict]:
    """Every attack but those in l1 is held to the time; those in l1 have a bound of memory of their own."""
    middle = {name: statistics.median(each) for name, each in over.items()}
    sparse = [name for name in over if name.endswith("l1")]
    found = []
    for which, names, limit in (
        ("all but l1", [n for n in over if n not in sparse], BATCHES),
        ("l1", sparse, BATCHES_L1),
    ):
        if not names:
            continue
        slowest, largest = max(names, key=middle.__getitem__), max(names, key=held.__getitem__)
        if which != "l1":
            what = f"{which}, {network}, {count} images: time at most {OVER_BARE} of the passes run bare"
            found.append(Verdict(what, f"{middle[slowest]:.3f}, {slowest}", middle[slowest] <= OVER_BARE))
        what = f"{which}, {network}, {count} images: memory of a bare pass and at most {limit} image batches"
        found.append(Verdict(what, f"{held[largest]:.2f}, {largest}", held[largest] <= limit))
    return found
