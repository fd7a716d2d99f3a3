"""The deformer: an image moved or recoloured by a linear operator, its settings, and what the network reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import ipywidgets
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor, nn

from advcourse import plots
from advcourse.core.validation import check_inputs
from advcourse.structured import edge_correlation, flow_with_field, recolor, recolor_operator
from advcourse.widgets._explorer import LATE, Explorer, choose_image, draw_change, relative_l2

LONGEST = 28
"""The largest displacement offered is the longer side by this: 8 pixels of 224."""


def draw_deformer(
    model: nn.Module,
    image: Tensor,
    label: int,
    changed: Tensor,
    classes: Sequence[str],
    *,
    field: Tensor | None = None,
    title: str = "",
) -> Figure:
    """The image, its motion or recolouring (magnified, by the factor it states), the result, and the top-5 of both.

    Args:
        model: maps images to logits.
        image, changed: ``(C, H, W)`` in [0, 1].
        label: the true class; its bar is blue and hatched.
        classes: names of the classes.
        field: ``(2, H, W)`` in pixels, to the right and down, where the image was moved; None where it was recoloured.
        title: above the whole.
    """
    draw: Callable[[Axes], object]
    if field is None:
        change, factor = plots.magnify(changed - image)
        heading = f"change × {factor} (grey: none)" if change.ne(0.5).any() else "no change (grey)"
        draw = partial(plots.draw_image, image=change, title=heading)
    else:
        longest, side = field.norm(dim=0).max().item(), max(image.shape[1:])
        factor = next((k for k in (100, 50, 20, 10, 5, 2) if k * longest <= side / 5), 1)
        heading = f"motion, arrows × {factor}" if longest else "no motion"
        draw = partial(
            plots.draw_field, image=image, field=field, every=max(1, round(side / 12)), factor=factor, title=heading
        )
    name = "recoloured" if field is None else "moved"
    return draw_change(model, image, label, changed, classes, name=name, draw=draw, title=title)


class Deformer(Explorer):
    """What ``deformer`` returns: its controls, its picture and its line of text, as attributes."""

    def __init__(self, model: nn.Module, images: Tensor, labels: Tensor, classes: Sequence[str]):
        check_inputs(model, images, labels)
        self.model, self.images, self.labels, self.classes = model, images, labels, classes
        self._kept: tuple[Tensor, float, Callable[[Tensor], Tensor]] | None = None
        self.image = choose_image(labels, classes)
        self.kind = ipywidgets.Dropdown(options=["motion", "recolouring"], description="kind")
        most = max(images.shape[2:]) / LONGEST
        self.displacement = ipywidgets.FloatSlider(
            value=most / 2, min=0, max=most, step=most / 32, description="size (px)", readout_format=".2f", **LATE
        )
        self.strength = ipywidgets.IntSlider(value=48, min=0, max=128, description="size (/255)", **LATE)
        smooth = {"min": 0, "max": 4, "step": 0.25, "readout_format": ".0f", **LATE}
        self.gamma = ipywidgets.FloatLogSlider(value=10**2.5, description="smooth: γ", **smooth)
        self.rho = ipywidgets.FloatLogSlider(value=10**2.5, description="smooth: ρ", **smooth)
        self.steps = ipywidgets.IntSlider(value=1, min=1, max=10, description="steps", **LATE)
        self.unit = ipywidgets.Label()
        rows = [
            ipywidgets.HBox([self.image, self.kind]),
            ipywidgets.HBox([self.displacement, self.strength, self.gamma, self.rho, self.steps]),
            self.unit,
        ]
        controls = (
            self.image,
            self.kind,
            self.displacement,
            self.strength,
            self.gamma,
            self.rho,
            self.steps,
        )
        super().__init__(rows, controls, "advcourse-deformer")

    def draw(self) -> tuple[Figure, str]:
        moving = self.kind.value == "motion"
        for control in (self.displacement, self.gamma):
            control.layout.display = None if moving else "none"
        for control in (self.strength, self.rho):
            control.layout.display = "none" if moving else None
        self.unit.value = (
            "size: how far the pixel that moves most moves, in pixels; γ: large for motions that vary slowly"
            if moving
            else "size: the largest change of a channel, in 1/255; ρ: large for changes that vary at contours alone"
        )
        image, label = self.images[self.image.value], int(self.labels[self.image.value])
        changed, field, title, text = (self._move if moving else self._recolor)(image, self.labels[self.image.value])
        steps = f"{self.steps.value} step" + "s" * (self.steps.value > 1)
        figure = draw_deformer(self.model, image, label, changed, self.classes, field=field, title=f"{title}, {steps}")
        if torch.equal(changed, image):
            size = self.displacement.value if moving else self.strength.value
            reason = "No step made a stronger image, so this one" if size else "At size 0 the image"
            text = f"{reason} is left as it is: {text}"
        return figure, f"{text}, ‖x̃ − x‖<sub>2</sub>/‖x‖<sub>2</sub> = {relative_l2(image, changed):.4f}"

    def _move(self, image: Tensor, label: Tensor) -> tuple[Tensor, Tensor, str, str]:
        most, gamma = self.displacement.value, self.gamma.value
        moved, fields = flow_with_field(
            self.model, image[None], label[None], gamma=gamma, max_displacement=most, steps=self.steps.value
        )
        lengths = fields[0].norm(dim=0)
        text = f"displacement: {lengths.max().item():.2f} px at the most, {lengths.mean().item():.3f} px in the mean"
        return moved[0], fields[0], f"motion of at most {most:.2f} px, γ = {gamma:.0f}", text

    def _recolor(self, image: Tensor, label: Tensor) -> tuple[Tensor, None, str, str]:
        strength, rho = self.strength.value, self.rho.value
        changed = recolor(
            self.model,
            image[None],
            label[None],
            operator=self._operator(image, rho),
            strength=strength / 255,
            steps=self.steps.value,
        )
        largest = 255 * (changed[0] - image).abs().max().item()
        kept = edge_correlation(image[None], changed).item()
        text = f"largest change {largest:.1f}/255, correlation of the edges before and after {kept:.3f}"
        return changed[0], None, f"recolouring of at most {strength}/255, ρ = {rho:.0f}", text

    def _operator(self, image: Tensor, rho: float) -> Callable[[Tensor], Tensor]:
        """The operator of that image; the last one is kept, as the factors of a large image take a second."""
        if self._kept is None or self._kept[1] != rho or not torch.equal(self._kept[0], image):
            self._kept = image.clone(), rho, recolor_operator(image[None], rho=rho)
        return self._kept[2]


def deformer(model: nn.Module, images: Tensor, labels: Tensor, classes: Sequence[str]) -> Deformer:
    """Choose an image, motion or recolouring, its size and smoothness; see what is done, the result and the top-5.

    Args:
        model: maps images to logits; on the images' device.
        images: ``(N, C, H, W)`` in [0, 1].
        labels: int64 ``(N,)``.
        classes: names of the classes.

    Returns:
        A widget of CSS class ``advcourse-deformer``. Motion has sliders for the largest displacement (pixels, up to
        a 28th of the longer side) and gamma, recolouring for the largest change of a channel (1/255) and rho; those
        of the other kind are hidden and keep their values. An error in a callback is shown in it, in place of the
        measurements.

    Raises:
        ValueError: for bad images or labels.
    """
    return Deformer(model, images, labels, classes)
