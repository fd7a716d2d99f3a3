"""How much each library's strongest evaluation finds: robust accuracy, what it cost, and who breaks what alone."""

from __future__ import annotations

import argparse
import inspect
import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

import numpy
import torch
from torch import Tensor, nn

from advcourse import data, evaluation, models
from advcourse.core.balls import norms
from advcourse.core.running import count_passes, predict
from advcourse.zoo import trusted
from benchmarks.peers import art_classifier
from benchmarks.report import table

ROUNDING = 1e-5
Attack = Callable[[Tensor, Tensor], Tensor]
ROBUST = "reference/robust_cifar10_"


@dataclass(frozen=True)
class Ball:
    """A network, and the ball around its images."""

    network: str
    norm: str
    eps: Fraction

    @property
    def title(self) -> str:
        eps = f"{self.eps}" if self.norm == "linf" and self.eps.denominator > 10 else f"{float(self.eps):g}"
        return f"{self.network.removeprefix('reference/')}, {self.norm} {eps}"


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


def balls() -> list[Ball]:
    """Those of the issue that this answers: a network robust in linf in all norms, and small ones on CIFAR-10."""
    digits = {"linf": ["3/10"], "l2": ["1", "3/2", "2"], "l1": ["5", "10", "20"]}
    colours = {"linf": ["2/255", "8/255"], "l2": ["1/2"], "l1": ["8"]}
    found = [Ball("mnist/cnn-robust", norm, Fraction(eps)) for norm, radii in digits.items() for eps in radii]
    for name in ("cnn_a_adv", "conv_small_pgd", "resnet2b"):
        found += [Ball(ROBUST + name, norm, Fraction(eps)) for norm, radii in colours.items() for eps in radii]
    return found


def original(model: nn.Module, images: Tensor, labels: Tensor, ball: Ball, seed: int) -> Tensor:
    """AutoAttack by its authors, the standard version."""
    from pyautoattack import AutoAttack

    norm = {"linf": "Linf", "l2": "L2", "l1": "L1"}[ball.norm]
    attack = AutoAttack(model, norm=norm, eps=float(ball.eps), version="standard", seed=seed, device=str(images.device))
    result = attack.run_standard_evaluation(images, labels, batch_size=len(images))
    return result[0] if isinstance(result, tuple) else result


def ours(version: str) -> Callable[..., Tensor]:
    def run(model: nn.Module, images: Tensor, labels: Tensor, ball: Ball, seed: int) -> Tensor:
        return evaluation.autoattack(
            model, images, labels, eps=float(ball.eps), norm=ball.norm, version=version, seed=seed
        )

    return run


def in_turn(attacks: list[Attack], model: nn.Module, images: Tensor, labels: Tensor, ball: Ball) -> Tensor:
    """What those attacks find together: each on the images that the ones before it have left."""
    found = images.clone()
    left = predict(model, images).argmax(1) == labels
    for attack in attacks:
        rows = left.nonzero()[:, 0]
        if not len(rows):
            break
        result = attack(images[rows].clone(), labels[rows]).detach().to(images.dtype)
        model.zero_grad(set_to_none=True)
        broken = ~judge(model, images[rows], labels[rows], result, ball)
        found[rows[broken]] = result[broken]
        left[rows[broken]] = False
    return found


def adv_lib(model: nn.Module, images: Tensor, labels: Tensor, ball: Ball, seed: int) -> Tensor:
    """Its parts of AutoAttack, which it has no sequence of: APGD, APGD-T and FAB-T."""
    from adv_lib.attacks import apgd, apgd_targeted, fab

    torch.manual_seed(seed)
    order = {"linf": math.inf, "l2": 2, "l1": 1}[ball.norm]
    eps, wide = float(ball.eps), ball.norm == "l1"
    attacks: list[Attack] = [
        lambda x, y: apgd(
            model, x, y, eps, order, n_restarts=5 if wide else 1, loss_function="ce", use_large_reps=wide
        ),
        lambda x, y: apgd_targeted(model, x, y, eps, order, use_large_reps=wide, num_targets=5 if wide else 9),
        lambda x, y: fab(model, x, y, order, ε=eps, restarts=9, targeted_restarts=True),
    ]
    return in_turn(attacks, model, images, labels, ball)


def foolbox(model: nn.Module, images: Tensor, labels: Tensor, ball: Ball, seed: int) -> Tensor:
    """PGD with 100 steps and the minimal-norm attacks it has, cut off at the radius."""
    import foolbox
    from foolbox import attacks as theirs

    torch.manual_seed(seed)
    wrapped = foolbox.PyTorchModel(model, bounds=(0, 1), device=images.device)
    eps = float(ball.eps)
    pgd = {"linf": theirs.LinfPGD, "l2": theirs.L2PGD, "l1": theirs.L1PGD}[ball.norm](steps=100)
    minimal = {
        "linf": [theirs.LInfFMNAttack(steps=300)],
        "l2": [theirs.DDNAttack(steps=300), theirs.L2FMNAttack(steps=300)],
        "l1": [theirs.L1FMNAttack(steps=300), theirs.EADAttack(9, 100, decision_rule="L1")],
    }[ball.norm]
    attacks: list[Attack] = [lambda x, y: pgd(wrapped, x, y, epsilons=eps)[1]]
    attacks += [lambda x, y, each=each: each(wrapped, x, y, epsilons=None)[1] for each in minimal]
    return in_turn(attacks, model, images, labels, ball)


def torchattacks(model: nn.Module, images: Tensor, labels: Tensor, ball: Ball, seed: int) -> Tensor | None:
    """Its AutoAttack, the standard version; none in l1."""
    import torchattacks

    if ball.norm == "l1":
        return None
    norm = {"linf": "Linf", "l2": "L2"}[ball.norm]
    attack = torchattacks.AutoAttack(model, norm=norm, eps=float(ball.eps), n_classes=10, seed=seed)
    return in_turn([attack], model, images, labels, ball)


def art(model: nn.Module, images: Tensor, labels: Tensor, ball: Ball, seed: int) -> Tensor | None:
    """Its AutoAttack; none in l1."""
    from art.attacks.evasion import AutoAttack

    if ball.norm == "l1":
        return None
    numpy.random.seed(seed)  # noqa: NPY002 — what it draws from
    eps, norm = float(ball.eps), {"linf": math.inf, "l2": 2}[ball.norm]
    wrapped = art_classifier(model, images, 10)
    attack = AutoAttack(wrapped, norm=norm, eps=eps, eps_step=eps / 4, batch_size=len(images))

    def run(x: Tensor, y: Tensor) -> Tensor:
        return torch.from_numpy(attack.generate(x.cpu().numpy(), y.cpu().numpy())).to(x.device)

    return in_turn([run], model, images, labels, ball)


WAYS = {
    "original": original,
    "standard": ours("standard"),
    "fast": ours("fast"),
    "adv-lib": adv_lib,
    "foolbox": foolbox,
    "torchattacks": torchattacks,
    "ART": art,
}


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


def judge(model: nn.Module, images: Tensor, labels: Tensor, result: Tensor, ball: Ball) -> Tensor:
    """Which images are left: misclassified ones and those outside the ball or the box are not counted as broken by it.

    Raises:
        ValueError: where a result is misshapen or outside the box.
    """
    if result.shape != images.shape or result.min() < -ROUNDING or result.max() > 1 + ROUNDING:
        raise ValueError(f"returned images {tuple(result.shape)} in [{result.min()}, {result.max()}]")
    right = predict(model, images).argmax(1) == labels
    inside = norms(result - images, ball.norm) <= float(ball.eps) * (1 + ROUNDING) + ROUNDING
    broken = (predict(model, result).argmax(1) != labels) & inside
    return right & ~broken


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
