"""How near decision-based attacks come with so many queries, ours and others': ``python -m benchmarks.decisions``.

Every row that a library shows the network is a query of its image. Ours is run with each budget. The others take no
budget: they run one image at a time until the largest is spent, and the closest image that they have shown and that
fools, by then and at each smaller budget, counts as theirs.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from tqdm import tqdm

from advcourse import data, models
from advcourse.blackbox import Oracle, hop_skip_jump
from advcourse.core.balls import norms
from advcourse.core.running import predict
from advcourse.zoo import trusted
from benchmarks.budget import judge
from benchmarks.peers import art_classifier
from benchmarks.report import setting, table

BUDGETS = (1000, 10_000)
PACKAGES = ("foolbox", "adversarial-robustness-toolbox")
STEPS = 1000
BATCH = 512

Attack = Callable[["Watched", Tensor, Tensor, str], object]
"""A network, one image, its label and a norm; what it shows the network is what counts."""


@dataclass(frozen=True)
class Reached:
    """What one library reached with one budget.

    Attributes:
        distance: ``(N,)``, infinite where no image that fools was shown.
        queries: the most that any image took.
        seconds: of the processor; of the run to the largest budget, where one run serves all.
    """

    library: str
    budget: int
    distance: Tensor
    queries: int
    seconds: float

    @property
    def median(self) -> float:
        return self.distance.median().item()


class Spent(Exception):
    """The budget is spent."""


class Watched(nn.Module):
    """A network that ends the attack on an image with a budget, and knows the closest image that fooled it by then."""

    def __init__(self, model: nn.Module, image: Tensor, label: Tensor, norm: str, budget: int):
        super().__init__()
        self.model, self.image, self.label, self.norm, self.budget = model, image, label, norm, budget
        self.found: list[Tensor] = []
        self.queries = 0

    def forward(self, x: Tensor) -> Tensor:
        x = x[: self.budget - self.queries].to(self.image.dtype)  # ART's become float64 on the way
        with torch.no_grad():
            logits = self.model(x)
        length = norms(x - self.image, self.norm)
        self.found.append(length.where(logits.argmax(1) != self.label, torch.inf))
        self.queries += len(x)
        if self.queries >= self.budget:
            raise Spent
        return logits

    def closest(self, budget: int) -> float:
        """Distance of the closest within so many queries."""
        return torch.cat(self.found)[:budget].min().item()


def with_foolbox(model: Watched, image: Tensor, label: Tensor, norm: str) -> None:
    import foolbox

    wrapped = foolbox.PyTorchModel(model.eval(), bounds=(0, 1), device=image.device)
    attack = foolbox.attacks.HopSkipJumpAttack(constraint=norm, steps=STEPS)
    with contextlib.suppress(ValueError):  # where no noise fools
        attack(wrapped, image, label, epsilons=None)


def with_art(model: Watched, image: Tensor, label: Tensor, norm: str) -> None:
    import numpy as np
    from art.attacks.evasion import HopSkipJump

    np.random.seed(torch.initial_seed())  # noqa: NPY002 — its starts it draws from a generator that takes no seed
    wrapped = art_classifier(model, image, model.model(image).shape[1])
    attack = HopSkipJump(wrapped, norm={"l2": 2, "linf": np.inf}[norm], max_iter=STEPS, batch_size=BATCH, verbose=False)
    attack.generate(image.numpy(), nn.functional.one_hot(label, wrapped.nb_classes).numpy())


PEERS: dict[str, Attack] = {"foolbox": with_foolbox, "ART": with_art}


def theirs(
    library: str, model: nn.Module, images: Tensor, labels: Tensor, norm: str, budgets: list[int], seed: int = 0
) -> list[Reached]:
    """The library on each image by itself, to the largest budget."""
    watched = []
    before = time.process_time()
    for number, (image, label) in enumerate(
        zip(tqdm(images.split(1), desc=library, leave=False), labels.split(1), strict=True)
    ):
        torch.manual_seed(number + len(images) * seed)
        watched.append(Watched(model, image, label, norm, max(budgets)).eval())
        with contextlib.suppress(Spent):
            PEERS[library](watched[-1], image, label, norm)
    seconds = time.process_time() - before
    most = max(each.queries for each in watched)
    return [
        Reached(library, budget, torch.tensor([each.closest(budget) for each in watched]), min(most, budget), seconds)
        for budget in budgets
    ]


def ours(
    model: nn.Module, images: Tensor, labels: Tensor, norm: str, budgets: list[int], seed: int = 0
) -> list[Reached]:
    found = []
    for budget in tqdm(budgets, desc="advcourse", leave=False):
        oracle = Oracle(model, reveals="label", budget=budget, batch_size=BATCH)
        before = time.process_time()
        result = hop_skip_jump(oracle, images, labels, norm=norm, queries=budget, seed=seed)
        seconds = time.process_time() - before
        distance, queries = judge(model, images, labels, result, norm), int(oracle.queries().max())
        found.append(Reached("advcourse", budget, distance, queries, seconds))
    return found


def measured(
    network: str, norm: str, count: int, budgets: list[int], libraries: list[str], seed: int = 0
) -> list[Reached]:
    """Every library on the first images that the network has right."""
    model = models.load(network).eval()
    images, labels, _ = data.load(trusted.dataset_of(network), "test", n=2 * count)
    right = (predict(model, images).argmax(1) == labels).nonzero()[:count, 0]
    found = []
    for library in libraries:
        given = (model, images[right], labels[right], norm, sorted(budgets), seed)
        found += ours(*given) if library == "advcourse" else theirs(library, *given)
    return found


HEAD = ["library", "budget", "queries", "median distance", "mean of the fooled", "failures", "processor seconds"]


def lines(found: list[Reached]) -> list[list[str]]:
    rows = []
    for each in found:
        near = each.distance[each.distance.isfinite()]
        mean = near.mean().item() if len(near) else math.nan
        cells = [each.library, str(each.budget), str(each.queries), f"{each.median:.4g}", f"{mean:.4g}"]
        rows.append([*cells, str(len(each.distance) - len(near)), f"{each.seconds:.0f}"])
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.decisions", description=__doc__)
    parser.add_argument("--images", type=int, default=32, help="(%(default)s)")
    parser.add_argument("--budgets", type=int, nargs="+", default=BUDGETS, help="queries an image (%(default)s)")
    parser.add_argument("--network", default="mnist/cnn", help="(%(default)s)")
    parser.add_argument("--norm", choices=("l2", "linf"), default="l2", help="(%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="(%(default)s)")
    libraries = ("advcourse", *PEERS)
    parser.add_argument("--libraries", nargs="+", choices=libraries, default=libraries)
    options = parser.parse_args()
    before = time.perf_counter()
    given = (options.network, options.norm, options.images, list(options.budgets), list(options.libraries))
    found = measured(*given, options.seed)
    said = [f"--images {options.images}", f"--budgets {' '.join(map(str, options.budgets))}"]
    said += [f"--network {options.network}", f"--norm {options.norm}", f"--seed {options.seed}"]
    command = f"python -m benchmarks.decisions {' '.join(said)}"
    minutes = (time.perf_counter() - before) / 60
    print(setting(torch.device("cpu"), command, minutes, "", PACKAGES))
    print()
    print(table(HEAD, lines(found)))


if __name__ == "__main__":
    main()
