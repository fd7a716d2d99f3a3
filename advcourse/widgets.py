"""Explorers made of ipywidgets: an attack's settings on one side, what it does on the other."""

from __future__ import annotations

import html
import io
import math
from collections.abc import Mapping, Sequence
from functools import partial

import ipywidgets
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor, nn

from advcourse import attacks, plots
from advcourse.inference import predict
from advcourse.rendering import TexturedObject, check_texture
from advcourse.scenes import at_pose
from advcourse.validation import check_choice, check_count, check_inputs

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
    before, after = predict(model, torch.stack([image, adversarial])).softmax(1)
    noise, factor = plots.magnify(adversarial - image)
    with plots.style():
        figure = Figure(figsize=(8.2, 4.9))
        above, below = figure.subfigures(2, 1, height_ratios=(2, 1))
        pictures = (
            (image, f"image: {classes[label]}"),
            (noise, f"perturbation × {factor} (grey: no change)" if noise.ne(0.5).any() else "no perturbation (grey)"),
            (adversarial, f"adversarial: {classes[after.argmax().item()]}"),
        )
        for ax, (picture, name) in zip(above.subplots(1, 3), pictures, strict=True):
            plots.draw_image(ax, picture, name)
        bars = ((before, "top 5, image"), (after, "top 5, adversarial"))
        for ax, (probabilities, name) in zip(below.subplots(1, 2), bars, strict=True):
            plots.top5(ax, probabilities, classes, label).set_title(name, fontsize=9)
        above.suptitle(title, fontsize=10)
    return figure


def png(figure: Figure, dpi: float | str = "figure") -> bytes:
    """A figure as the bytes of a PNG file, at its own resolution or another (dots per inch)."""
    FigureCanvasAgg(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi)
    return buffer.getvalue()


class Playground(ipywidgets.VBox):
    """What :func:`playground` returns: its controls, its picture and its line of text, as attributes."""

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
        self.image = ipywidgets.Dropdown(
            options=[(f"{i + 1}: {classes[label]}", i) for i, label in enumerate(labels.tolist())], description="image"
        )
        self.attack = ipywidgets.Dropdown(
            options=[(title, name) for name, title in ATTACKS.items()],
            value="pgd",
            description="attack",
        )
        # A slider that fires while it is dragged would queue an attack for every value it passes.
        late = {"continuous_update": False}
        self.eps = ipywidgets.FloatSlider(
            value=eps * 255, min=0, max=eps_max * 255, step=0.25, description="ε", readout_format=".2f", **late
        )
        self.steps = ipywidgets.IntSlider(value=10, min=1, max=40, description="steps", **late)
        self.message = ipywidgets.HTML()
        self.picture = ipywidgets.Image(
            format="png", layout=ipywidgets.Layout(max_width="100%", align_self="flex-start")
        )
        unit = ipywidgets.Label("ε is in units of 1/255, one level of an 8-bit image")
        rows = [ipywidgets.HBox([self.image, self.attack]), ipywidgets.HBox([self.eps, self.steps]), unit]
        super().__init__([*rows, self.message, self.picture])
        self.add_class("advcourse-playground")
        for control in (self.image, self.attack, self.eps, self.steps):
            control.observe(self.update, names="value")
        self.update()
        self.start = self.picture.value  # the PNG to show where no kernel runs

    def update(self, change: object = None) -> None:
        """Run the attack that the controls describe and show what it does, or the error it ended in."""
        try:
            self._draw()
        except Exception as error:  # a callback's traceback would go to the browser's log, unseen
            self.message.value = f"<b>{html.escape(type(error).__name__)}</b>: {html.escape(str(error))}"

    def _draw(self) -> None:
        image, label = self.images[self.image.value], self.labels[self.image.value].item()
        eps, kind = self.eps.value / 255, self.attack.value
        self.steps.disabled = kind == "fgsm"
        adversarial = run_attack(self.model, image, label, attack=kind, eps=eps, steps=self.steps.value)
        count = self.steps.value
        steps = {"fgsm": "1 step", "ifgsm": f"at most {count} steps", "pgd": f"{count} steps"}[kind]
        title = f"{ATTACKS[kind]}, ε = {self.eps.value:.2f}/255, {steps}"
        self.picture.value = png(draw_playground(self.model, image, label, adversarial, self.classes, title))
        delta = adversarial - image
        self.message.value = (
            f"‖δ‖<sub>∞</sub> = {255 * delta.abs().max().item():.2f}/255, "
            f"‖δ‖<sub>2</sub>/‖x‖<sub>2</sub> = {(delta.norm() / image.norm().clamp_min(1e-12)).item():.4f}"
        )


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


class Turntable(ipywidgets.VBox):
    """What :func:`turntable` returns: its controls, its picture and its line of text, as attributes."""

    def __init__(
        self, model: nn.Module, object: TexturedObject, textures: Mapping[str, Tensor], classes: Sequence[str]
    ):
        if not textures:
            raise ValueError("textures is empty, expected at least one texture by name")
        for name, texture in textures.items():
            check_texture(texture, f"textures[{name!r}]")
        self.model, self.object, self.textures, self.classes = model, object, textures, classes
        late = {"continuous_update": False}
        self.texture = ipywidgets.Dropdown(options=list(textures), description="texture")
        self.yaw = ipywidgets.IntSlider(value=0, min=-180, max=180, step=10, description="yaw", **late)
        self.pitch = ipywidgets.IntSlider(value=0, min=-90, max=90, step=10, description="pitch", **late)
        self.light = ipywidgets.IntSlider(value=0, min=-90, max=90, step=10, description="light", **late)
        self.message = ipywidgets.HTML()
        self.picture = ipywidgets.Image(
            format="png", layout=ipywidgets.Layout(max_width="100%", align_self="flex-start")
        )
        unit = ipywidgets.Label("all in degrees; the light comes from the left (-90) to the right (90)")
        controls = (self.texture, self.yaw, self.pitch, self.light)
        super().__init__(
            [ipywidgets.HBox(controls[:2]), ipywidgets.HBox(controls[2:]), unit, self.message, self.picture]
        )
        self.add_class("advcourse-turntable")
        for control in controls:
            control.observe(self.update, names="value")
        self.update()
        self.start = self.picture.value

    def update(self, change: object = None) -> None:
        """Render the object as the controls say and show what the network reads, or the error it ended in."""
        try:
            self._draw()
        except Exception as error:  # a callback's traceback would go to the browser's log, unseen
            self.message.value = f"<b>{html.escape(type(error).__name__)}</b>: {html.escape(str(error))}"

    def _draw(self) -> None:
        side = math.radians(self.light.value)
        light = (math.sin(side), 0.3, math.cos(side))
        pose = at_pose(self.yaw.value, self.pitch.value, light=light, ambient=0.5, diffuse=0.4)
        texture = self.textures[self.texture.value]
        image = self.object.render(texture.cpu(), self.object.views(pose)).to(texture.device)
        probabilities = predict(self.model, image).softmax(1)[0]
        with plots.style():
            figure = Figure(figsize=(6.6, 2.9))
            left, right = figure.subplots(1, 2)
            plots.draw_image(left, image[0], f"{self.texture.value}: {self.classes[int(probabilities.argmax())]}")
            plots.top5(right, probabilities, self.classes)
        self.picture.value = png(figure)
        self.message.value = ""


def turntable(
    model: nn.Module, object: TexturedObject, textures: Mapping[str, Tensor], classes: Sequence[str]
) -> Turntable:
    """Turn a textured object, move the light, change the texture; see the picture and the top-5.

    Args:
        model: maps images to logits; on the textures' device.
        object: what is turned.
        textures: by name, each ``(3, h, w)`` in [0, 1].
        classes: names of the classes.

    Returns:
        A widget of CSS class ``advcourse-turntable``. An error in a callback is shown in it.

    Raises:
        ValueError: for a bad texture, or none.
    """
    return Turntable(model, object, textures, classes)
