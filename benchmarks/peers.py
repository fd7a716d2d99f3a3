"""The same attack from each library, in the way its own documentation uses it.

A maker takes the model and the attack's parameters and returns ``(images, labels) -> adversarial images``; what it
sets up is not timed. All start at the image, know that pixels lie in [0, 1], and are given the true labels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from advcourse import attacks

Run = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Budget:
    """An attack and what it may spend; ``step_size`` and ``steps`` do not apply to fgsm."""

    attack: str
    norm: str
    eps: float
    step_size: float = 0.0
    steps: int = 1


def with_advcourse(model: nn.Module, budget: Budget, images: Tensor, classes: int) -> Run:
    limits = {"eps": budget.eps}
    if budget.attack != "fgsm":
        limits |= {"steps": budget.steps, "step_size": budget.step_size}
    if budget.attack == "pgd":
        limits["norm"] = budget.norm
    attack = getattr(attacks, budget.attack)
    return lambda images, labels: attack(model, images, labels, **limits)


def with_foolbox(model: nn.Module, budget: Budget, images: Tensor, classes: int) -> Run:
    import foolbox

    wrapped = foolbox.PyTorchModel(model, bounds=(0, 1), device=images.device)
    limits = {"abs_stepsize": budget.step_size, "steps": budget.steps, "random_start": False}
    attack = {
        ("fgsm", "linf"): lambda: foolbox.attacks.LinfFastGradientAttack(random_start=False),
        ("ifgsm", "linf"): lambda: foolbox.attacks.LinfBasicIterativeAttack(**limits),
        ("pgd", "linf"): lambda: foolbox.attacks.LinfPGD(**limits),
        ("pgd", "l2"): lambda: foolbox.attacks.L2PGD(**limits),
    }[budget.attack, budget.norm]()

    def run(images: Tensor, labels: Tensor) -> Tensor:
        _, clipped, _ = attack(wrapped, images, labels, epsilons=budget.eps)
        return clipped

    return run


def with_torchattacks(model: nn.Module, budget: Budget, images: Tensor, classes: int) -> Run:
    import torchattacks

    limits = {"eps": budget.eps, "alpha": budget.step_size, "steps": budget.steps}
    return {
        ("fgsm", "linf"): lambda: torchattacks.FGSM(model, eps=budget.eps),
        ("ifgsm", "linf"): lambda: torchattacks.BIM(model, **limits),
        ("pgd", "linf"): lambda: torchattacks.PGD(model, random_start=False, **limits),
        ("pgd", "l2"): lambda: torchattacks.PGDL2(model, random_start=False, **limits),
    }[budget.attack, budget.norm]()


def with_cleverhans(model: nn.Module, budget: Budget, images: Tensor, classes: int) -> Run:
    from cleverhans.torch.attacks.fast_gradient_method import fast_gradient_method
    from cleverhans.torch.attacks.projected_gradient_descent import projected_gradient_descent

    norm = {"linf": np.inf, "l2": 2}[budget.norm]
    box = {"clip_min": 0.0, "clip_max": 1.0}
    if budget.attack == "fgsm":
        return lambda images, labels: fast_gradient_method(model, images, budget.eps, norm, y=labels, **box)

    def run(images: Tensor, labels: Tensor) -> Tensor:
        return projected_gradient_descent(
            model, images, budget.eps, budget.step_size, budget.steps, norm, y=labels, rand_init=False, **box
        )

    return run


def art_classifier(model: nn.Module, images: Tensor, classes: int):
    """The model in ART's wrapper."""
    from art.estimators.classification import PyTorchClassifier

    return PyTorchClassifier(
        model,
        loss=nn.CrossEntropyLoss(),
        input_shape=tuple(images.shape[1:]),
        nb_classes=classes,
        clip_values=(0.0, 1.0),
        device_type="gpu" if images.is_cuda else "cpu",
    )


def with_art(model: nn.Module, budget: Budget, images: Tensor, classes: int) -> Run:
    from art.attacks.evasion import BasicIterativeMethod, FastGradientMethod, ProjectedGradientDescent

    wrapped = art_classifier(model, images, classes)
    limits = {"eps": budget.eps, "eps_step": budget.step_size, "max_iter": budget.steps, "verbose": False}
    batch = len(images)
    if budget.attack == "fgsm":
        attack = FastGradientMethod(wrapped, norm=np.inf, eps=budget.eps, batch_size=batch)
    elif budget.attack == "ifgsm":
        attack = BasicIterativeMethod(wrapped, batch_size=batch, **limits)
    else:
        norm = {"linf": np.inf, "l2": 2}[budget.norm]
        attack = ProjectedGradientDescent(wrapped, norm=norm, num_random_init=0, batch_size=batch, **limits)

    def run(images: Tensor, labels: Tensor) -> Tensor:
        return torch.from_numpy(attack.generate(images.cpu().numpy(), labels.cpu().numpy())).to(images.device)

    return run


MAKERS = {
    "advcourse": with_advcourse,
    "foolbox": with_foolbox,
    "torchattacks": with_torchattacks,
    "cleverhans": with_cleverhans,
    "ART": with_art,
}
PACKAGES = ("foolbox", "adv-lib", "torchattacks", "cleverhans", "adversarial-robustness-toolbox")
