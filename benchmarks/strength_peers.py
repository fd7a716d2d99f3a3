"""Whole evaluations of this and other libraries, the balls they are measured in, and who judges what they return."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

import numpy
import torch
from torch import Tensor, nn

from advcourse import evaluation
from advcourse.core.balls import norms
from advcourse.core.running import predict
from benchmarks.peers import art_classifier

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


def balls() -> list[Ball]:
    """Those of the issue that this answers: a network robust in linf in all norms, and small ones on CIFAR-10."""
    digits = {"linf": ["3/10"], "l2": ["1", "3/2", "2"], "l1": ["5", "10", "20"]}
    colours = {"linf": ["2/255", "8/255"], "l2": ["1/2"], "l1": ["8"]}
    found = [Ball("mnist/cnn-robust", norm, Fraction(eps)) for norm, radii in digits.items() for eps in radii]
    for name in ("cnn_a_adv", "conv_small_pgd", "resnet2b"):
        found += [Ball(ROBUST + name, norm, Fraction(eps)) for norm, radii in colours.items() for eps in radii]
    return found


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


def art(model: nn.Module, images: Tensor, labels: Tensor, ball: Ball, seed: int) -> Tensor:
    """Its APGD on the cross-entropy and on the DLR, in turn; the Square Attack of its AutoAttack takes too long."""
    from art.attacks.evasion import AutoProjectedGradientDescent

    numpy.random.seed(seed)  # noqa: NPY002 — what it draws from
    eps, norm = float(ball.eps), {"linf": math.inf, "l2": 2, "l1": 1}[ball.norm]
    limits = {"norm": norm, "eps": eps, "eps_step": 2 * eps, "batch_size": len(images), "verbose": False}
    wrapped = art_classifier(model, images, 10)

    def run(attack: AutoProjectedGradientDescent, x: Tensor, y: Tensor) -> Tensor:
        return torch.from_numpy(attack.generate(x.cpu().numpy(), y.cpu().numpy())).to(x.device)

    losses = ("cross_entropy", "difference_logits_ratio")
    attacks = [partial(run, AutoProjectedGradientDescent(wrapped, loss_type=loss, **limits)) for loss in losses]
    return in_turn(attacks, model, images, labels, ball)


WAYS = {
    "original": original,
    "standard": ours("standard"),
    "fast": ours("fast"),
    "adv-lib": adv_lib,
    "foolbox": foolbox,
    "torchattacks": torchattacks,
    "ART": art,
}
