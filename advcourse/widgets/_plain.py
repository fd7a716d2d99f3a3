"""An explorer of any drawing: controls by the names of its arguments."""

from __future__ import annotations

import html
from collections.abc import Callable

import ipywidgets
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from advcourse import plots
from advcourse.core.validation import check_callable
from advcourse.widgets._explorer import Explorer


class PlainExplorer(Explorer):
    """What ``explore`` returns; ``controls`` holds the controls by name."""

    def __init__(
        self,
        draw_on: Callable[..., object],
        controls: dict[str, ipywidgets.Widget],
        size: tuple[float, float],
        css_class: str,
    ):
        check_callable(draw=draw_on)
        if not controls:
            raise ValueError("controls is empty, expected at least one")
        self.draw_on, self.controls, self.size = draw_on, controls, size
        for name, control in controls.items():
            control.description = control.description or name
            if hasattr(control, "continuous_update"):
                control.continuous_update = False
        super().__init__(list(controls.values()), list(controls.values()), css_class)

    def draw(self) -> tuple[Figure, str]:
        with plots.style():
            figure = Figure(figsize=self.size, dpi=80)
            ax: Axes = figure.subplots()
            text = self.draw_on(ax, **{name: control.value for name, control in self.controls.items()})
        return figure, html.escape(str(text))


def explore(
    draw: Callable[..., object],
    *,
    size: tuple[float, float] = (4.8, 4.6),
    css_class: str = "advcourse-plain",
    **controls: ipywidgets.Widget,
) -> PlainExplorer:
    """Controls, a line of text and a picture: what ``draw(ax, **values)`` draws and returns for the controls' values.

    Args:
        draw: draws on ``ax`` and returns the line of text.
        size: of the picture, in inches of 80 pixels.
        css_class: by which a page finds the explorer.
        controls: widgets with a ``value``, by the name of the argument of ``draw`` that they set; one without a
            description is called by that name. A slider answers when it is let go.

    Raises:
        ValueError: for bad input; the message names the argument. What ``draw`` raises is shown in the explorer.
    """
    return PlainExplorer(draw, controls, size, css_class)
