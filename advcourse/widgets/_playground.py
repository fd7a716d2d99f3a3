"""The playground: an attack inside the linf ball, its settings, and what it does to an image."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import ipywidgets
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from advcourse import attacks, plots
from advcourse.core.validation import check_choice, check_count, check_inputs
from advcourse.widgets._explorer import LATE, Explorer, choose_image, draw_change, relative_l2

ATTACKS = {"fgsm": "FGSM", "ifgsm": "I-FGSM, stops when fooled", "pgd": "PGD"}
"""What the playground offers: FGSM, I-FGSM that stops when fooled, and linf PGD, all inside the eps-ball."""


def run_attack(model: nn.Module, image: Tensor, label: int, *, attack: str, eps: float, steps: int) -> Tensor:
    """One image ``(C, H, W)`` attacked inside the linf ball of radius ``eps`` (pixel units of [0, 1])."""
    check_choice("attack", attack, tuple(ATTACKS))
    check_count(steps=steps)
    step_size = 2.5 * eps / steps
    run = {
        "fgsm": partial(attacks.fgsm, eps=eps),
        "ifgsm": partial(attacks.ifgsm, step_size=step_size, steps=steps, eps=eps),
        "pgd": partial(attacks.pgd, step_size=step_size, steps=steps, eps=eps),
    }[attack]
    return run(model, image[None], torch.tensor([label], device=image.device))[0]


def draw_playground(
    model: nn.Module, image: Tensor, label: int, adversarial: Tensor, classes: Sequence[str], title: str = ""
) -> Figure:
    """The image, the perturbation (magnified, by the factor it states), their sum, and the top-5 of both.

    Args:
        model: maps images to logits.
        image, adversarial: ``(C, H, W)`` in [0, 1].
        label: the true class; its bar is blue and hatched.
        classes: names of the classes.
        title: above the whole.
    """
    noise, factor = plots.magnify(adversarial - image)
    name = f"perturbation × {factor} (grey: no change)" if noise.ne(0.5).any() else "no perturbation (grey)"
    draw = partial(plots.draw_image, image=noise, title=name)
    return draw_change(model, image, label, adversarial, classes, name="adversarial", draw=draw, title=title)


class Playground(Explorer):
    """What ``playground`` returns: its controls, its picture and its line of text, as attributes."""

    def __init__(
        self,
        model: nn.Module,
        images: Tensor,
        labels: Tensor,
        classes: Sequence[str],
        *,
        eps: float,
        eps_max: float,
    ):
        check_inputs(model, images, labels)
        self.model, self.images, self.labels, self.classes = model, images, labels, classes
        self.image = choose_image(labels, classes)
        self.attack = ipywidgets.Dropdown(
            options=[(title, name) for name, title in ATTACKS.items()],
            value="pgd",
            description="attack",
        )
        self.eps = ipywidgets.FloatSlider(
            value=eps * 255, min=0, max=eps_max * 255, step=0.25, description="ε", readout_format=".2f", **LATE
        )
        self.steps = ipywidgets.IntSlider(value=10, min=1, max=40, description="steps", **LATE)
        unit = ipywidgets.Label("ε is in units of 1/255, one level of an 8-bit image")
        rows = [ipywidgets.HBox([self.image, self.attack]), ipywidgets.HBox([self.eps, self.steps]), unit]
        super().__init__(rows, (self.image, self.attack, self.eps, self.steps), "advcourse-playground")

    def draw(self) -> tuple[Figure, str]:
        image, label = self.images[self.image.value], int(self.labels[self.image.value])
        eps, kind, count = self.eps.value / 255, self.attack.value, self.steps.value
        self.steps.disabled = kind == "fgsm"
        adversarial = run_attack(self.model, image, label, attack=kind, eps=eps, steps=count)
        steps = {"fgsm": "1 step", "ifgsm": f"at most {count} steps", "pgd": f"{count} steps"}[kind]
        title = f"{ATTACKS[kind]}, ε = {self.eps.value:.2f}/255, {steps}"
        text = (
            f"‖δ‖<sub>∞</sub> = {255 * (adversarial - image).abs().max().item():.2f}/255, "
            f"‖δ‖<sub>2</sub>/‖x‖<sub>2</sub> = {relative_l2(image, adversarial):.4f}"
        )
        return draw_playground(self.model, image, label, adversarial, self.classes, title), text


def playground(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    classes: Sequence[str],
    *,
    eps: float = 2 / 255,
    eps_max: float = 16 / 255,
) -> Playground:
    """Choose an image, an attack, eps and the number of steps; see the image, the perturbation and the top-5.

    Args:
        model: maps images to logits; on the images' device.
        images: ``(N, C, H, W)`` in [0, 1].
        labels: int64 ``(N,)``.
        classes: names of the classes.
        eps: where the slider stands at first, in pixel units of [0, 1]; the slider counts in 1/255.
        eps_max: its right end.

    Returns:
        A widget of CSS class ``advcourse-playground``. An error in a callback is shown in it, in place of the
        measurements.

    Raises:
        ValueError: for bad images or labels.
    """
    return Playground(model, images, labels, classes, eps=eps, eps_max=eps_max)
