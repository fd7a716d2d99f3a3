"""What the explorers share: controls above, a picture drawn anew for each of their values, errors in sight."""

from __future__ import annotations

import html
import io
from collections.abc import Callable, Sequence

import ipywidgets
import torch
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor, nn

from advcourse import plots
from advcourse.core.running import predict

# A slider that fires while it is dragged would queue an attack for every value it passes.
LATE = {"continuous_update": False}


def png(figure: Figure, dpi: float | str = "figure") -> bytes:
    """A figure as the bytes of a PNG file, at its own resolution or another (dots per inch)."""
    FigureCanvasAgg(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi)
    return buffer.getvalue()


def choose_image(labels: Tensor, classes: Sequence[str]) -> ipywidgets.Dropdown:
    """A choice of one image by its number and class; its value is the index.

    Raises:
        ValueError: where a class has no name.
    """
    highest = int(labels.max())
    if highest >= len(classes):
        raise ValueError(
            f"classes holds {len(classes)} names, expected at least {highest + 1}: labels go up to {highest}"
        )
    options = [(f"{i + 1}: {classes[label]}", i) for i, label in enumerate(labels.tolist())]
    return ipywidgets.Dropdown(options=options, description="image")


def relative_l2(image: Tensor, changed: Tensor) -> float:
    """‖changed - image‖₂ / ‖image‖₂."""
    return ((changed - image).norm() / image.norm().clamp_min(1e-12)).item()


def draw_change(
    model: nn.Module,
    image: Tensor,
    label: int,
    changed: Tensor,
    classes: Sequence[str],
    *,
    name: str,
    draw: Callable[[Axes], object],
    title: str = "",
) -> Figure:
    """The image, what is done to it, what comes out, and the top-5 of both.

    Args:
        model: maps images to logits.
        image, changed: ``(C, H, W)`` in [0, 1].
        label: the true class; its bar is blue and hatched.
        classes: names of the classes.
        name: of what comes out, as in "adversarial".
        draw: draws what is done on the axes in the middle.
        title: above the whole.
    """
    before, after = predict(model, torch.stack([image, changed])).softmax(1)
    with plots.style():
        figure = Figure(figsize=(8.2, 4.9))
        above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=(2, 1)).flat
        left, middle, right = above.subplots(1, 3)
        plots.draw_image(left, image, f"image: {classes[label]}")
        draw(middle)
        plots.draw_image(right, changed, f"{name}: {classes[after.argmax().item()]}")
        bars = ((before, "top 5, image"), (after, f"top 5, {name}"))
        for ax, (probabilities, heading) in zip(below.subplots(1, 2), bars, strict=True):
            plots.top5(ax, probabilities, classes, label).set_title(heading, fontsize=9)
        above.suptitle(title, fontsize=10)
    return figure


class Explorer(ipywidgets.VBox):
    """Rows of controls, a line of text and a picture; ``draw`` says what the values of the controls give.

    Args:
        rows: what stands above the text and the picture.
        controls: those of them whose values count.
        css_class: by which a page finds it.

    Attributes:
        start: the PNG drawn first, to show where no kernel runs.
    """

    def __init__(self, rows: Sequence[ipywidgets.Widget], controls: Sequence[ipywidgets.Widget], css_class: str):
        self.message = ipywidgets.HTML()
        self.picture = ipywidgets.Image(
            format="png", layout=ipywidgets.Layout(max_width="100%", align_self="flex-start")
        )
        super().__init__([*rows, self.message, self.picture])
        self.add_class(css_class)
        for control in controls:
            control.observe(self.update, names="value")
        self.update()
        self.start = self.picture.value

    def draw(self) -> tuple[Figure, str]:
        """The picture that the controls describe, and a line about it (HTML)."""
        raise NotImplementedError

    def update(self, change: object = None) -> None:
        """Show what the controls describe, or the error it ended in."""
        try:
            figure, text = self.draw()
            self.picture.value = png(figure)
            self.message.value = text
        except Exception as error:  # a callback's traceback would go to the browser's log, unseen
            self.message.value = f"<b>{html.escape(type(error).__name__)}</b>: {html.escape(str(error))}"
