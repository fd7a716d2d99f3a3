"""How near minimal-norm attacks come with so many passes, ours and others': ``python -m benchmarks.budget``.

A pass is one forward and one backward of an image; an attack is told to take as many steps as make up the budget, and
what it took is counted. The figure has a curve for each attack; the table sets the nearest of ours beside every
other library's.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm import tqdm

from advcourse import attacks, data, models
from advcourse.core.balls import norms
from advcourse.core.running import count_passes, predict
from advcourse.zoo import trusted
from benchmarks.measure import ROUNDING
from benchmarks.report import table

BUDGETS = (10, 30, 100, 300, 1000)
NETWORKS = ("mnist/cnn-robust", "reference/robust_cifar10_cnn_a_adv")
ORDERS = {"l2": 2, "linf": math.inf, "l1": 1, "l0": 0}
FIGURE = Path(__file__).parent / "figures" / "budget.png"
DRAWS = 2000
LIMIT = 1.005

Attack = Callable[[nn.Module, Tensor, Tensor, int], Tensor]
"""A model, images, labels and a number of passes to adversarial images."""


@dataclass(frozen=True)
class Point:
    """What one attack found with one budget.

    Attributes:
        passes: the greater of the forwards and the backwards it made, a mean over the images.
        distance: ``(N,)``, infinite where the network is not fooled.
    """

    network: str
    norm: str
    library: str
    attack: str
    budget: int
    passes: float
    distance: Tensor

    @property
    def median(self) -> float:
        return self.distance.median().item()


def searches(passes: int) -> tuple[int, int]:
    """How many constants, and steps with each, a search over constants takes: nine where there are ninety."""
    passes = max(1, passes)
    constants = max(1, min(9, passes // 10))
    return constants, max(1, passes // constants)


def ours(norm: str) -> Mapping[str, Attack]:
    found: dict[str, Attack] = {"FMN": lambda m, x, y, n: attacks.fmn(m, x, y, norm=norm, steps=n)}
    if norm != "l0":
        found["PDPGD"] = lambda m, x, y, n: attacks.pdpgd(m, x, y, norm=norm, steps=n)
        # as many backward passes a step as there are other classes
        found["FAB"] = lambda m, x, y, n: attacks.fab(m, x, y, norm=norm, steps=max(1, n // 9))
    if norm in ("l2", "linf"):
        found["DeepFool"] = lambda m, x, y, n: attacks.deepfool(m, x, y, norm=norm, steps=max(1, n // 9))
    if norm == "linf":
        found["FMN, first step 10"] = lambda m, x, y, n: attacks.fmn(m, x, y, norm=norm, steps=n, step_size=10)
    if norm == "l2":
        found["ALMA"] = lambda m, x, y, n: attacks.alma(m, x, y, steps=n)
        found["DDN"] = lambda m, x, y, n: attacks.ddn(m, x, y, steps=n)
        found["C&W"] = lambda m, x, y, n: attacks.carlini_wagner(
            m, x, y, search_steps=searches(n)[0], steps=searches(n)[1]
        )
        found["SuperDeepFool"] = lambda m, x, y, n: attacks.super_deepfool(m, x, y, steps=max(1, n // 50))
    if norm == "l1":
        found["EAD"] = lambda m, x, y, n: attacks.ead(
            m, x, y, search_steps=searches(n // 2)[0], steps=searches(n // 2)[1]
        )
    if norm == "l0":
        found["σ-zero"] = lambda m, x, y, n: attacks.sigma_zero(m, x, y, steps=n)
    return found


def adv_lib(norm: str) -> Mapping[str, Attack]:
    from adv_lib import attacks as theirs

    order = ORDERS[norm]
    found: dict[str, Attack] = {"FMN": lambda m, x, y, n: theirs.fmn(m, x, y, norm=order, steps=n)}
    if norm in ("linf", "l1", "l0"):
        found["PDPGD"] = lambda m, x, y, n: theirs.pdpgd(m, x, y, norm=order, num_steps=n)
    if norm != "l0":
        found["FAB"] = lambda m, x, y, n: theirs.fab(m, x, y, norm=order, n_iter=max(1, n // 9))
    if norm == "linf":
        found["FMN, first step 10"] = lambda m, x, y, n: theirs.fmn(m, x, y, norm=order, steps=n, α_init=10)
    if norm == "l2":
        found["ALMA"] = lambda m, x, y, n: theirs.alma(m, x, y, num_steps=n)
        found["DDN"] = lambda m, x, y, n: theirs.ddn(m, x, y, steps=n)
        found["PDPGD"] = lambda m, x, y, n: theirs.pdgd(m, x, y, num_steps=n)
        found["SuperDeepFool"] = lambda m, x, y, n: theirs.sdf(m, x, y, steps=max(1, n // 50))
    if norm == "l0":
        found["σ-zero"] = lambda m, x, y, n: theirs.sigma_zero(m, x, y, num_steps=n)
    return found


def foolbox(norm: str) -> Mapping[str, Attack]:
    import foolbox
    from foolbox import attacks as theirs

    def searching(make: Callable[[int], foolbox.attacks.MinimizationAttack]) -> Attack:
        def run(model: nn.Module, images: Tensor, labels: Tensor, passes: int) -> Tensor:
            wrapped = foolbox.PyTorchModel(model, bounds=(0, 1), device=images.device)
            return make(passes)(wrapped, images, labels, epsilons=None)[1]

        return run

    if norm == "l0":  # its FMN ends in an IndexError where the radius comes to all entries
        return {}
    fmn = {"l2": theirs.L2FMNAttack, "linf": theirs.LInfFMNAttack, "l1": theirs.L1FMNAttack}
    found = {"FMN": searching(lambda n: fmn[norm](steps=n))}
    if norm == "l2":
        found["DDN"] = searching(lambda n: theirs.DDNAttack(steps=n))
        found["C&W"] = searching(lambda n: theirs.L2CarliniWagnerAttack(*searches(n)))
    if norm == "l1":
        found["EAD"] = searching(lambda n: theirs.EADAttack(*searches(n // 2), decision_rule="L1"))
    return found


LIBRARIES = {"advcourse": ours, "adv-lib": adv_lib, "foolbox": foolbox}


def measured(network: str, norm: str, count: int, budgets: tuple[int, ...], libraries: list[str]) -> list[Point]:
    """Every attack of the libraries with every budget, on the first images that the network has right."""
    model = models.load(network)
    images, labels, _ = data.load(trusted.dataset_of(network), "test", n=2 * count)
    right = (predict(model, images).argmax(1) == labels).nonzero()[:count, 0]
    images, labels = images[right], labels[right]
    chosen = [(library, name, run) for library in libraries for name, run in LIBRARIES[library](norm).items()]
    found = []
    for library, name, run in tqdm(chosen, desc=f"{network}, {norm}", leave=False):
        for budget in budgets:
            torch.manual_seed(0)
            with count_passes(model) as passes:
                result = run(model, images.clone(), labels, budget)
            model.zero_grad(set_to_none=True)
            each = max(passes.forwards, passes.backwards) / len(images)
            found.append(Point(network, norm, library, name, budget, each, judge(model, images, labels, result, norm)))
    return found


def judge(model: nn.Module, images: Tensor, labels: Tensor, result: Tensor, norm: str) -> Tensor:
    """Distance of each image that fools the network, infinite for the others.

    Raises:
        ValueError: where images are misshapen, or further outside the box than rounding explains.
    """
    result = result.detach()
    if result.shape != images.shape or result.min() < -ROUNDING or result.max() > 1 + ROUNDING:
        raise ValueError(f"returned images {tuple(result.shape)} in [{result.min()}, {result.max()}]")
    moved = result - images
    far = (moved != 0).flatten(1).sum(1).to(moved.dtype) if norm == "l0" else norms(moved, norm)
    return far.where(predict(model, result).argmax(1) != labels, torch.inf)


def ratio(one: Tensor, other: Tensor, seed: int = 0) -> tuple[float, float, float]:
    """Ratio of the medians of two distances of the same images, with its 95 % interval of a paired bootstrap."""
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randint(len(one), (DRAWS, len(one)), generator=generator)
    drawn = (one[rows].median(1).values / other[rows].median(1).values).nan_to_num(nan=1.0)
    low, high = drawn.clamp_max(1e9).quantile(drawn.new_tensor([0.025, 0.975]))
    return (one.median() / other.median()).item(), low.item(), high.item()


def within(points: list[Point], budget: int) -> list[Point]:
    """Of each attack, the point of least median that took no more than the budget, a tenth more or a step let pass."""
    best: dict[tuple[str, str], Point] = {}
    for point in points:
        key = point.library, point.attack
        if point.passes <= 1.1 * budget + 2 and (key not in best or point.median < best[key].median):
            best[key] = point
    return list(best.values())


def verdicts(points: list[Point], budget: int) -> list[list[str]]:
    """A row for each network and norm: the nearest of ours and of every other library, and their ratio."""
    rows = []
    for network, norm in dict.fromkeys((point.network, point.norm) for point in points):
        here = within([point for point in points if (point.network, point.norm) == (network, norm)], budget)
        nearest = {
            library: min((point for point in here if point.library == library), key=lambda point: point.median)
            for library in dict.fromkeys(point.library for point in here)
        }
        mine = nearest.pop("advcourse")
        for number, other in enumerate(nearest.values()):
            middle, low, high = ratio(mine.distance, other.distance)
            first = [network.removeprefix("reference/"), norm, f"{mine.attack} {mine.median:.4g}"]
            said = "yes" if middle <= LIMIT else "no"
            rows.append(
                [
                    *(first if not number else [""] * 3),
                    f"{other.library} {other.attack} {other.median:.4g}",
                    f"{middle:.3f} ({low:.3f} to {high:.3f})",
                    said,
                ]
            )
    return rows


HEAD = ["network", "norm", "nearest of ours", "nearest of theirs", "ratio of the medians (95 %)", f"at most {LIMIT}"]


def draw(points: list[Point], file: Path) -> None:
    """Median distance against passes: a row of panels for each network, a column for each norm."""
    import matplotlib.pyplot as plt
    from matplotlib.ticker import LogLocator, NullLocator

    from advcourse import plots

    plots.use_style()
    networks = list(dict.fromkeys(point.network for point in points))
    columns = [norm for norm in ORDERS if any(point.norm == norm for point in points)]
    lines = {"advcourse": "-", "adv-lib": "--", "foolbox": ":"}
    names = list(dict.fromkeys(point.attack.partition(",")[0] for point in points))
    colours = dict(zip(names, plt.colormaps["tab20"].colors, strict=False))
    size = (3.4 * len(columns), 2.7 * len(networks))
    figure, axes = plt.subplots(len(networks), len(columns), figsize=size, squeeze=False, layout="constrained")
    for line, (row, network) in enumerate(zip(axes, networks, strict=True), 1):
        for panel, norm in zip(row, columns, strict=True):
            here = [point for point in points if (point.network, point.norm) == (network, norm)]
            for key in dict.fromkeys((point.library, point.attack) for point in here):
                curve = [point for point in here if (point.library, point.attack) == key]
                reached = [point for point in curve if math.isfinite(point.median)]
                colour = colours[key[1].partition(",")[0]]
                width = 1.8 if key[0] == "advcourse" else 1.2
                panel.plot(
                    [point.passes for point in reached],
                    [point.median for point in reached],
                    lines[key[0]],
                    color=colour,
                    linewidth=width,
                    marker=".",
                )
            panel.set(xscale="log", yscale="log", title=f"{network.removeprefix('reference/')}, {norm}")
            least = min(point.median for point in here)
            panel.set_ylim(0.93 * least, 8 * least)  # what is further away leaves at the top
            panel.yaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5, 7)))
            panel.yaxis.set_major_formatter("{x:.3g}")
            panel.yaxis.set_minor_locator(NullLocator())
            panel.tick_params(labelsize=8)
            if line == len(networks):
                panel.set_xlabel("passes an image")
        row[0].set_ylabel("median distance")
    handles = [plt.Line2D([], [], color=colours[name], label=name) for name in names]
    handles += [plt.Line2D([], [], color="0.3", linestyle=style, label=library) for library, style in lines.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=7, fontsize=8)
    file.parent.mkdir(exist_ok=True)
    figure.savefig(file, dpi=110)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.budget", description=__doc__)
    parser.add_argument("--images", type=int, default=32, help="(%(default)s)")
    parser.add_argument("--budgets", type=int, nargs="+", default=BUDGETS, help="passes an image (%(default)s)")
    parser.add_argument("--networks", nargs="+", default=NETWORKS, help="(%(default)s)")
    parser.add_argument("--norms", nargs="+", choices=tuple(ORDERS), default=tuple(ORDERS))
    parser.add_argument("--libraries", nargs="+", choices=tuple(LIBRARIES), default=tuple(LIBRARIES))
    parser.add_argument("--figure", type=Path, default=FIGURE)
    options = parser.parse_args()
    points: list[Point] = []
    for network in options.networks:
        for norm in options.norms:
            points += measured(network, norm, options.images, tuple(options.budgets), options.libraries)
            new = [point for point in points if (point.network, point.norm) == (network, norm)]
            for point in new:
                fooled = point.distance.isfinite().double().mean()
                said = f"{point.passes:.0f} passes, median {point.median:.5g}, fooled {fooled:.0%}"
                print(f"{network}, {norm}: {point.library} {point.attack}, {point.budget}: {said}", flush=True)
            draw(points, options.figure)
    if len(options.libraries) > 1 and "advcourse" in options.libraries:
        print(table(HEAD, verdicts(points, max(options.budgets))))


if __name__ == "__main__":
    main()
