"""The turntable: a textured object turned under a light, and what the network reads."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import ipywidgets
from matplotlib.figure import Figure
from torch import Tensor, nn

from advcourse import plots
from advcourse.core.running import predict
from advcourse.rendering import TexturedObject, at_pose, check_texture
from advcourse.widgets._explorer import LATE, Explorer


class Turntable(Explorer):
    """What ``turntable`` returns: its controls, its picture and its line of text, as attributes."""

    def __init__(
        self, model: nn.Module, object: TexturedObject, textures: Mapping[str, Tensor], classes: Sequence[str]
    ):
        if not textures:
            raise ValueError("textures is empty, expected at least one texture by name")
        for name, texture in textures.items():
            check_texture(texture, f"textures[{name!r}]")
        self.model, self.object, self.textures, self.classes = model, object, textures, classes
        self.texture = ipywidgets.Dropdown(options=list(textures), description="texture")
        self.yaw = ipywidgets.IntSlider(value=0, min=-180, max=180, step=10, description="yaw", **LATE)
        self.pitch = ipywidgets.IntSlider(value=0, min=-90, max=90, step=10, description="pitch", **LATE)
        self.light = ipywidgets.IntSlider(value=0, min=-90, max=90, step=10, description="light", **LATE)
        unit = ipywidgets.Label("all in degrees; the light comes from the left (-90) to the right (90)")
        controls = (self.texture, self.yaw, self.pitch, self.light)
        rows = [ipywidgets.HBox(controls[:2]), ipywidgets.HBox(controls[2:]), unit]
        super().__init__(rows, controls, "advcourse-turntable")

    def draw(self) -> tuple[Figure, str]:
        side = math.radians(self.light.value)
        light = (math.sin(side), 0.3, math.cos(side))
        pose = at_pose(self.yaw.value, self.pitch.value, light=light, ambient=0.5, diffuse=0.4)
        texture = self.textures[self.texture.value]
        image = self.object.render(texture.to(self.object.texture), self.object.views(pose)).to(texture)
        probabilities = predict(self.model, image).softmax(1)[0]
        with plots.style():
            figure = Figure(figsize=(6.6, 2.9))
            left, right = figure.subplots(1, 2)
            plots.draw_image(left, image[0], f"{self.texture.value}: {self.classes[int(probabilities.argmax())]}")
            plots.top5(right, probabilities, self.classes)
        return figure, ""


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
