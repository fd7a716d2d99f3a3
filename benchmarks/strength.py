"""How much each library's strongest evaluation finds: robust accuracy, what it cost, and who breaks what alone."""

from __future__ import annotations

import argparse
import inspect
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from advcourse import data, evaluation, models
from advcourse.core.running import count_passes, predict
from advcourse.zoo import trusted
from benchmarks.report import table
from benchmarks.strength_peers import WAYS, Ball, balls, judge


@dataclass
class Found:
    """One evaluation, seed by seed: which images it left, passes an image, and processor seconds."""

    left: list[Tensor] = field(default_factory=list)
    forwards: float = 0.0
    backwards: float = 0.0
    seconds: float = 0.0

    def accuracy(self) -> float:
        """Mean robust accuracy over the seeds."""
        return statistics.mean(left.double().mean().item() for left in self.left)

    def always(self) -> Tensor:
        """Images that it breaks in every seed."""
        return ~torch.stack(self.left).any(0)

    def never(self) -> Tensor:
        """Images that it breaks in no seed."""
        return torch.stack(self.left).all(0)


def compare(ball: Ball, count: int, seeds: int, ways: dict[str, Callable[..., Tensor]]) -> dict[str, Found]:
    """Every way on the same images, in turn, with seeds from 0."""
    model = models.load(ball.network)
    images, labels, _ = data.load(trusted.dataset_of(ball.network), "test", n=count)
    found = {name: Found() for name in ways}
    for seed in range(seeds):
        for name, way in ways.items():
            started = time.process_time()
            with count_passes(model) as passes:
                result = way(model, images, labels, ball, seed)
            if result is None:
                continue
            result = result.detach()
            one = found[name]
            one.seconds += (time.process_time() - started) / seeds
            one.forwards += passes.forwards / count / seeds
            one.backwards += passes.backwards / count / seeds
            one.left.append(judge(model, images, labels, result, ball))
    return {name: one for name, one in found.items() if one.left}


def deletions(ball: Ball, count: int) -> list[list[str]]:
    """What ``fast`` would leave without each of its kinds, a row each.

    Each runs alone on all images: draws are keyed by the image, so it finds the same there as in its place in the row.
    """
    model = models.load(ball.network)
    images, labels, _ = data.load(trusted.dataset_of(ball.network), "test", n=count)
    classes = predict(model, images[:1]).shape[1]
    kinds = evaluation.sequence("fast", eps=float(ball.eps), norm=ball.norm, classes=classes)
    right = predict(model, images).argmax(1) == labels
    left, cost = {}, {}
    for name, attack in kinds.items():
        started, result = time.process_time(), images.clone()
        result[right] = attack(model, images[right], labels[right], **_places(attack, right))
        left[name], cost[name] = judge(model, images, labels, result, ball), time.process_time() - started
    everything = torch.stack(list(left.values())).all(0).double().mean().item()
    listed = []
    for name in kinds:
        rest = torch.stack([each for other, each in left.items() if other != name]).all(0).double().mean().item()
        alone = f"{left[name].double().mean().item():.1%}"
        first = [ball.title, f"{everything:.1%}"] if not listed else ["", ""]
        listed.append([*first, name, alone, f"{rest:.1%}", f"{100 * (rest - everything):+.1f}", f"{cost[name]:.1f}"])
    return listed


def _places(attack: Callable[..., Tensor], rows: Tensor) -> dict[str, Tensor]:
    """Where those images stand in the set, for what draws by it."""
    return {"indices": rows.nonzero()[:, 0]} if "indices" in inspect.signature(attack).parameters else {}


WITHOUT = ["network and ball", "fast leaves", "kind", "alone", "all but it", "points", "processor seconds"]


HEAD = ["network and ball", "way", "robust accuracy", "forwards", "backwards", "processor seconds", "missed"]


def rows(ball: Ball, found: dict[str, Found]) -> list[list[str]]:
    """One row a way; missed are the images that the original breaks in every seed and this way in none."""
    listed = []
    for name, one in found.items():
        missed = "" if name == "original" or "original" not in found else _numbers(found["original"], one)
        each = "" if len(one.left) == 1 else f" ({', '.join(f'{left.double().mean():.1%}' for left in one.left)})"
        passes = [f"{one.forwards:.0f}", f"{one.backwards:.0f}", f"{one.seconds:.1f}"]
        listed.append(
            [ball.title if name == next(iter(found)) else "", name, f"{one.accuracy():.1%}{each}", *passes, missed]
        )
    return listed


def _numbers(original: Found, one: Found) -> str:
    missed = (original.always() & one.never()).nonzero()[:, 0].tolist()
    return ", ".join(map(str, missed)) or "none"


def summary(all_found: list[dict[str, Found]]) -> str:
    """What all balls together say: the worst difference in robust accuracy, and the share of the original's time."""
    lines = []
    for name in all_found[0]:
        if name != "original" and all(name in found for found in all_found):
            worst = max(found[name].accuracy() - found["original"].accuracy() for found in all_found)
            spent = sum(found[name].seconds for found in all_found) / sum(f["original"].seconds for f in all_found)
            lines.append(
                f"- {name}: robust accuracy at most {100 * worst:+.1f} points from the original's; "
                f"{spent:.2f} of its processor time over all balls."
            )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.strength", description=__doc__)
    parser.add_argument("--images", type=int, default=200, help="(%(default)s)")
    parser.add_argument("--seeds", type=int, default=3, help="(%(default)s)")
    parser.add_argument("--ways", nargs="+", choices=tuple(WAYS), default=("original", "standard", "fast"))
    parser.add_argument("--only", default="", help="balls whose title holds this")
    parser.add_argument("--deletions", action="store_true", help="what `fast` leaves without each of its kinds")
    options = parser.parse_args()
    chosen = [ball for ball in balls() if options.only in ball.title]
    if options.deletions:
        print(table(WITHOUT, (row for ball in chosen for row in deletions(ball, options.images))))
        return
    ways = {name: WAYS[name] for name in options.ways}
    everything, listed = [], []
    for ball in chosen:
        everything.append(compare(ball, options.images, options.seeds, ways))
        listed += rows(ball, everything[-1])
        print(table(HEAD, rows(ball, everything[-1])), flush=True)
    print("\n" + table(HEAD, listed))
    if "original" in ways and len(ways) > 1:
        print("\n" + summary(everything))


if __name__ == "__main__":
    main()
