"""What black-box methods reach with so many queries: ``python -m benchmarks.queries``.

Every row that the network is shown is a query of its image. A method that stops succeeds with as many queries as it
took for an image that fools (or, targeted, is taken for its target) within the ball; HopSkipJump and other libraries'
methods at the first query at which they show such an image. Queries of failures enter no mean: how many failed stands
beside it.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from advcourse import data, models
from advcourse.attacks import mifgsm, square
from advcourse.blackbox import (
    Oracle,
    bandits,
    hop_skip_jump,
    nes,
    nes_label_only,
    nes_partial,
    transfer_attack,
)
from advcourse.core.balls import norms
from advcourse.core.running import predict
from benchmarks.peers import art_classifier
from benchmarks.report import table

SURROGATE = {"mnist/cnn": "mnist/lenet"}
SETS = {"mnist": "mnist", "cifar10": "cifar10", "imagenet": "imagenet-samples"}
EPS = {"mnist": 0.2, "cifar10": 2 / 255, "imagenet": 0.05}
ROUNDING = 1e-5


class Counted(nn.Module):
    """The network, which notes for every row whether it fools within the ball; rows are told apart by their images.

    Attributes:
        sizes: of the batches it was shown.
        seconds: of the processor, that noting took.
    """

    def __init__(self, model: nn.Module, images: Tensor, eps: float, wanted: Callable[[Tensor, Tensor], Tensor]):
        super().__init__()
        self.model, self.images, self.eps, self.wanted = model, images, eps, wanted
        self.asked = torch.zeros(len(images), dtype=torch.int64)
        self.first = torch.full((len(images),), math.inf)
        self.sizes: list[int] = []
        self.seconds = 0.0

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            logits = self.model(x)
        self.sizes.append(len(x))
        return logits

    def note(self, x: Tensor, rows: Tensor, classes: Tensor) -> None:
        """The rows of one call, in order."""
        started = time.process_time()
        inside = norms(x - self.images[rows], "linf") <= self.eps + ROUNDING
        hits = (self.wanted(classes, rows) & inside).tolist()
        for row, hit in zip(rows.tolist(), hits, strict=True):
            self.asked[row] += 1
            if hit and math.isinf(self.first[row]):
                self.first[row] = float(self.asked[row])
        self.seconds += time.process_time() - started


class Noted(Oracle):
    """An oracle whose answers the count learns of."""

    def __init__(self, counted: Counted, **settings: Any):
        super().__init__(counted, **settings)
        self.counted = counted

    def __call__(self, x: Tensor, rows: Tensor | None = None) -> Any:
        answers = super().__call__(x, rows)
        rows = torch.arange(len(x)) if rows is None else rows
        if self.reveals == "label":
            classes = answers
        else:
            classes = answers.classes[:, 0] if self.reveals == "top_k" else answers.argmax(1)
        self.counted.note(x, rows, classes)
        return answers


@dataclass(frozen=True)
class Reached:
    """One method on one network.

    Attributes:
        first: ``(N,)``: the query at which each image fell, infinite where none did.
        queries: in all.
        seconds: of the processor.
        over: seconds over those of the same batches run bare.
    """

    network: str
    method: str
    first: Tensor
    queries: int
    seconds: float
    over: float = math.nan

    @property
    def fallen(self) -> list[float]:
        return self.first[self.first.isfinite()].tolist()


@dataclass(frozen=True)
class Method:
    """A method with what it asks; ``targeted`` ones are handed targets and starts."""

    run: Callable[..., Tensor]
    reveals: dict[str, Any] = field(default_factory=lambda: {"reveals": "probabilities"})
    targeted: bool = False
    takes: str = "eps"


LABEL, LIST = {"reveals": "label"}, {"reveals": "top_k", "k": 3}
METHODS = {
    "transfer": Method(transfer_attack, LABEL),
    "Square": Method(square),
    "NES": Method(nes),
    "NES, plain": Method(partial(nes, antithetic=False)),
    "bandits": Method(bandits),
    "HopSkipJump, linf": Method(partial(hop_skip_jump, norm="linf"), LABEL, takes="nothing"),
    "NES, targeted": Method(nes, targeted=True),
    "NES, list of 3, targeted": Method(nes_partial, LIST, targeted=True, takes="start"),
    "NES, label, targeted": Method(nes_label_only, LABEL, targeted=True, takes="start"),
}
CONTROL = "random signs"


def scene(network: str, count: int) -> tuple[nn.Module, Tensor, Tensor, Tensor, Tensor]:
    """The network, images it has right, their labels, targets, and for each an image of its target class."""
    family = network.split("/")[0]
    model = models.load(network)
    images, labels, _ = data.load(SETS[family], "test", n=None if family == "imagenet" else 4 * count + 200)
    right = predict(model, images).argmax(1) == labels
    images, labels = images[right], labels[right]
    chosen, label = images[:count], labels[:count]
    aims = labels != label[:, None]  # of a thousand classes any other will do
    if family != "imagenet":
        aims = labels == ((label + 1 + torch.arange(count) % 9) % 10)[:, None]
    others = aims.shape[1] - 1 - aims.flip(1).int().argmax(1)
    return model, chosen, label, labels[others], images[others]


def measured(network: str, name: str, count: int, budget: int, eps: float, seed: int = 0) -> Reached:
    """One method, its queries and its time beside that of its batches run bare."""
    model, images, labels, targets, start = scene(network, count)
    method = METHODS[name]

    def wanted(classes: Tensor, rows: Tensor) -> Tensor:
        return classes == targets[rows] if method.targeted else classes != labels[rows]

    counted = Counted(model, images, eps, wanted)
    oracle = Noted(counted, budget=budget, **method.reveals)
    more: dict[str, Any] = {} if name == "transfer" else {"queries": budget, "seed": seed}
    more |= {} if method.takes == "nothing" else {"eps": eps}
    more |= {"targets": targets} if method.targeted else {}
    more |= {"start": start} if method.takes == "start" else {}
    run = method.run
    if name == "transfer":
        surrogate = models.load(SURROGATE[network])
        run = partial(transfer_attack, surrogate, attack=partial(mifgsm, eps=eps), sizes=(0.25, 0.5, 0.75, 1.0))
    started = time.process_time()
    result = run(oracle, images, labels, **more)
    seconds = time.process_time() - started - counted.seconds
    first = counted.first
    if method.takes != "nothing":
        first = stopped(model, result, images, eps, wanted, oracle.queries(torch.arange(count)))
    return Reached(network, name, first, int(oracle.queries().sum()), seconds, seconds / bare(counted))


def stopped(
    model: nn.Module,
    result: Tensor,
    images: Tensor,
    eps: float,
    wanted: Callable[[Tensor, Tensor], Tensor],
    queries: Tensor,
) -> Tensor:
    """The queries of every image whose result is what was wanted, within the ball; infinite for the others."""
    inside = norms(result - images, "linf") <= eps + ROUNDING
    hit = wanted(predict(model, result).argmax(1), torch.arange(len(images))) & inside
    return queries.float().where(hit, torch.inf)


def bare(counted: Counted) -> float:
    """Processor seconds of the same batches, of the same images, run without anything else."""
    images = counted.images
    started = time.process_time()
    with torch.no_grad():
        for size in counted.sizes:
            counted.model(images[torch.arange(size) % len(images)])
    return time.process_time() - started


def control(network: str, count: int, eps: float, draws: int = 20) -> Reached:
    """Random signs of that size, one after another."""
    model, images, labels, _, _ = scene(network, count)
    counted = Counted(model, images, eps, lambda classes, rows: classes != labels[rows])
    oracle, generator = Noted(counted), torch.Generator().manual_seed(0)
    started = time.process_time()
    for _ in range(draws):
        signs = torch.randint(0, 2, images.shape, generator=generator) * 2 - 1
        oracle((images + eps * signs).clamp(0, 1))
    return Reached(network, CONTROL, counted.first, draws * count, time.process_time() - started)


def with_original(model: nn.Module, image: Tensor, label: Tensor, aim: Tensor, eps: float, budget: int) -> None:
    from pyautoattack.square import SquareAttack

    seed = torch.initial_seed()
    SquareAttack(model, norm="Linf", n_queries=budget, eps=eps, seed=seed, device="cpu").perturb(image, label)


def with_torchattacks(model: nn.Module, image: Tensor, label: Tensor, aim: Tensor, eps: float, budget: int) -> None:
    import torchattacks

    torchattacks.Square(model, norm="Linf", eps=eps, n_queries=budget, seed=torch.initial_seed())(image, label)


def with_art(model: _Shown, image: Tensor, label: Tensor, aim: Tensor, eps: float, budget: int) -> None:
    """ART shows an image three times a step: whether it fools, its loss again, and the proposal."""
    from art.attacks.evasion import SquareAttack

    classes = model.counted.model(image).shape[1]
    attack = SquareAttack(art_classifier(model, image, classes), eps=eps, max_iter=budget // 3 - 1, verbose=False)
    attack.generate(image.numpy(), nn.functional.one_hot(label, classes).numpy())


def with_foolbox(model: nn.Module, image: Tensor, label: Tensor, aim: Tensor, eps: float, budget: int) -> None:
    import foolbox

    wrapped = foolbox.PyTorchModel(model.eval(), bounds=(0, 1), device=image.device)
    attack = foolbox.attacks.GenAttack(steps=budget // 10)  # of ten queries each
    attack(wrapped, image, foolbox.criteria.TargetedMisclassification(aim), epsilons=eps)


OTHERS = {
    "original": ("Square", with_original),
    "torchattacks": ("Square", with_torchattacks),
    "ART": ("Square", with_art),
    "foolbox": ("GenAttack, targeted", with_foolbox),
}


def others(network: str, library: str, count: int, budget: int, eps: float, seed: int = 0) -> Reached:
    """Score-based attacks of others, an image at a time; their HopSkipJump is in ``benchmarks.decisions``."""
    model, images, labels, targets, _ = scene(network, count)
    name, attack = OTHERS[library]
    first, queries, seconds = torch.full((count,), math.inf), 0, 0.0
    np.random.seed(seed)  # noqa: NPY002 — what they draw from
    for i in range(count):
        image, label, aim = images[[i]], labels[[i]], targets[[i]]
        wanted = partial(torch.eq, aim) if "targeted" in name else partial(torch.ne, label)
        counted = Counted(model, image, eps, lambda classes, rows, wanted=wanted: wanted(classes))
        torch.manual_seed(seed)
        started = time.process_time()
        attack(_Shown(counted), image, label, aim, eps, budget)
        seconds += time.process_time() - started - counted.seconds
        first[i], queries = counted.first[0], queries + int(counted.asked[0])
    return Reached(network, f"{name}, {library}", first, queries, seconds)


class _Shown(nn.Module):
    """For libraries that know no oracle: all rows are the one image's."""

    def __init__(self, counted: Counted):
        super().__init__()
        self.counted = counted

    def forward(self, x: Tensor) -> Tensor:
        logits = self.counted(x)
        self.counted.note(x.detach(), torch.zeros(len(x), dtype=torch.int64), logits.argmax(1))
        return logits


def interval(values: list[float], draws: int = 2000) -> tuple[float, float]:
    """Of the median, by the bootstrap: 95 %."""
    generator = np.random.default_rng(0)
    found = np.median(generator.choice(values, (draws, len(values))), axis=1)
    return float(np.quantile(found, 0.025)), float(np.quantile(found, 0.975))


HEAD = ["network, ε", "method", "succeeded", "failed", "median", "mean", "seconds per 1,000", "over bare"]


def row(one: Reached, eps: float) -> list[str]:
    """Median and mean are over successes."""
    fallen = one.fallen
    median = f"{statistics.median(fallen):.0f}" if fallen else ""
    mean = f"{statistics.mean(fallen):.0f}" if fallen else ""
    over = "" if math.isnan(one.over) else f"{one.over:.2f}"
    size = f"{eps * 255:.0f}/255" if one.network.startswith("cifar10") else f"{eps:g}"
    rate = 1000 * one.seconds / max(1, one.queries)
    failed = f"{len(one.first) - len(fallen)}"
    return [f"{one.network}, {size}", one.method, f"{len(fallen)}", failed, median, mean, f"{rate:.2f}", over]


def draw(reached: list[Reached], budgets: dict[str, int], file: Path) -> None:
    """Share of all images that fell, failures included, against queries: a panel a network, to its budget."""
    import matplotlib.pyplot as plt

    from advcourse import plots

    plots.use_style()
    networks = list(dict.fromkeys(one.network for one in reached))
    figure, axes = plt.subplots(
        1, len(networks), figsize=(4.2 * len(networks), 3.6), squeeze=False, layout="constrained"
    )
    names = list(dict.fromkeys(one.method for one in reached))
    colours = dict(zip(names, plt.colormaps["tab10"].colors, strict=False))
    for panel, network in zip(axes[0], networks, strict=True):
        for one in (each for each in reached if each.network == network):
            at = sorted(one.fallen)
            share = [(i + 1) / len(one.first) for i in range(len(at))]
            style = ":" if one.method == CONTROL else "--" if "targeted" in one.method else "-"
            panel.step(
                [1, *at, budgets[network]],
                [0, *share, share[-1] if share else 0],
                style,
                where="post",
                color=colours[one.method],
            )
        panel.set(xscale="log", title=network, xlabel="queries", ylim=(0, 1.02))
    axes[0][0].set_ylabel("share of the images")
    handles = [plt.Line2D([], [], color=colours[name], label=name) for name in names]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, fontsize=8)
    file.parent.mkdir(exist_ok=True)
    figure.savefig(file, dpi=110)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.queries", description=__doc__)
    parser.add_argument("--networks", nargs="+", default=["mnist/cnn"], help="(%(default)s)")
    parser.add_argument("--images", type=int, nargs="+", default=[50], help="one number, or one a network (50)")
    parser.add_argument("--budget", type=int, nargs="+", default=[5000], help="queries an image, likewise (5000)")
    parser.add_argument("--eps", type=float, help="linf; by the data set where not given")
    parser.add_argument("--methods", nargs="*", default=[], help="all that suit where not given")
    parser.add_argument("--others", nargs="*", default=[], choices=OTHERS)
    parser.add_argument("--seeds", type=int, default=1, help="of Square and of the others' (%(default)s)")
    parser.add_argument("--figure", type=Path, help="file to draw success against queries into")
    options = parser.parse_args()
    reached, listed = [], []
    counts, budgets = (_each(given, len(options.networks)) for given in (options.images, options.budget))
    for network, count, budget in zip(options.networks, counts, budgets, strict=True):
        eps = options.eps or EPS[network.split("/")[0]]
        names = options.methods or [name for name in METHODS if name != "transfer" or network in SURROGATE]
        reached.append(control(network, count, eps))
        listed.append(row(reached[-1], eps))
        for name in names:
            for seed in range(options.seeds if name == "Square" else 1):
                reached.append(measured(network, name, count, budget, eps, seed))
                listed.append(row(reached[-1], eps))
                print("  ".join(listed[-1]), flush=True)
        for library in options.others:
            for seed in range(options.seeds):
                reached.append(others(network, library, count, budget, eps, seed))
                listed.append(row(reached[-1], eps))
                print("  ".join(listed[-1]), flush=True)
    print(table(HEAD, listed))
    for method in dict.fromkeys(one.method for one in reached if options.seeds > 1 and "Square" in one.method):
        fallen = [each for one in reached if one.method == method for each in one.fallen]
        low, high = interval(fallen)
        print(f"{method}, all seeds: median {statistics.median(fallen):.0f} ({low:.0f} to {high:.0f})")
    if options.figure:
        draw(
            [one for one in reached if not one.method.endswith(tuple(OTHERS))],
            dict(zip(options.networks, budgets, strict=True)),
            options.figure,
        )


def _each(given: list[int], count: int) -> list[int]:
    return given * count if len(given) == 1 else given


if __name__ == "__main__":
    main()
