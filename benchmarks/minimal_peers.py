"""Minimal-norm attacks from each library: makers as in ``peers``, which give ``None`` where it has not got one."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from advcourse import attacks
from benchmarks.peers import Run, art_classifier


@dataclass(frozen=True)
class Search:
    """A minimal-norm attack and what it may spend; every library searches without a bound on the distance."""

    attack: str
    steps: int
    search_steps: int = 1
    candidates: int | None = None

    @property
    def title(self) -> str:
        text = f"{self.attack}, at most {self.steps} steps"
        if self.attack == "carlini_wagner":
            text = f"{self.attack}, {self.search_steps} x {self.steps} steps"
        return text + (f", {self.candidates} candidates" if self.candidates else "")


LEARNING_RATE, INITIAL_CONST, OVERSHOOT, INIT_NORM = 0.01, 1e-3, 0.02, 1.0


def with_advcourse(model: nn.Module, search: Search, images: Tensor, classes: int) -> Run | None:
    settings = {
        "deepfool": {"overshoot": OVERSHOOT, "candidates": search.candidates},
        "carlini_wagner": {
            "search_steps": search.search_steps,
            "learning_rate": LEARNING_RATE,
            "initial_const": INITIAL_CONST,
        },
        "ddn": {"init_norm": INIT_NORM},
    }[search.attack]
    attack = getattr(attacks, search.attack)
    return lambda images, labels: attack(model, images, labels, steps=search.steps, **settings)


def with_foolbox(model: nn.Module, search: Search, images: Tensor, classes: int) -> Run | None:
    import foolbox

    wrapped = foolbox.PyTorchModel(model, bounds=(0, 1), device=images.device)
    steps = search.steps
    attack = {
        "deepfool": lambda: foolbox.attacks.L2DeepFoolAttack(
            steps=steps, candidates=search.candidates, overshoot=OVERSHOOT
        ),
        "carlini_wagner": lambda: foolbox.attacks.L2CarliniWagnerAttack(
            search.search_steps, steps, stepsize=LEARNING_RATE, initial_const=INITIAL_CONST
        ),
        "ddn": lambda: foolbox.attacks.DDNAttack(init_epsilon=INIT_NORM, steps=steps),
    }[search.attack]()
    return lambda images, labels: attack(wrapped, images, labels, epsilons=None)[1]


def with_adv_lib(model: nn.Module, search: Search, images: Tensor, classes: int) -> Run | None:
    from adv_lib.attacks import carlini_wagner_l2, ddn, df

    if search.attack == "deepfool" and search.candidates:
        return None
    return {
        "deepfool": lambda x, y: df(model, x, y, steps=search.steps, overshoot=OVERSHOOT),
        "carlini_wagner": lambda x, y: carlini_wagner_l2(
            model,
            x,
            y,
            learning_rate=LEARNING_RATE,
            initial_const=INITIAL_CONST,
            binary_search_steps=search.search_steps,
            max_iterations=search.steps,
        ),
        "ddn": lambda x, y: ddn(model, x, y, steps=search.steps, init_norm=INIT_NORM, levels=None),
    }[search.attack]


def with_torchattacks(model: nn.Module, search: Search, images: Tensor, classes: int) -> Run | None:
    import torchattacks

    if search.attack == "deepfool" and not search.candidates:
        return torchattacks.DeepFool(model, steps=search.steps, overshoot=OVERSHOOT)
    if search.attack == "carlini_wagner":  # it has one constant for all images and no search: as many steps in all
        return torchattacks.CW(model, c=1, kappa=0, steps=search.steps * search.search_steps, lr=LEARNING_RATE)
    return None


def with_cleverhans(model: nn.Module, search: Search, images: Tensor, classes: int) -> Run | None:
    from cleverhans.torch.attacks.carlini_wagner_l2 import carlini_wagner_l2

    if search.attack != "carlini_wagner":
        return None
    return lambda x, y: carlini_wagner_l2(
        model,
        x,
        classes,
        y,
        lr=LEARNING_RATE,
        initial_const=INITIAL_CONST,
        binary_search_steps=search.search_steps,
        max_iterations=search.steps,
    )


def with_art(model: nn.Module, search: Search, images: Tensor, classes: int) -> Run | None:
    from art.attacks.evasion import DeepFool

    if search.attack != "deepfool":  # its Carlini & Wagner makes six times the passes of the others: left out
        return None
    # It takes the model's predictions for labels, which are the labels here.
    wrapped, candidates = art_classifier(model, images, classes), search.candidates or classes
    attack = DeepFool(wrapped, search.steps, OVERSHOOT, nb_grads=candidates, batch_size=len(images), verbose=False)

    def run(images: Tensor, labels: Tensor) -> Tensor:
        return torch.from_numpy(attack.generate(images.cpu().numpy(), labels.cpu().numpy())).to(images.device)

    return run


MAKERS = {
    "advcourse": with_advcourse,
    "foolbox": with_foolbox,
    "adv-lib": with_adv_lib,
    "torchattacks": with_torchattacks,
    "cleverhans": with_cleverhans,
    "ART": with_art,
}
