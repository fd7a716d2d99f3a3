"""What is wrong with a figure as a picture on a page: matplotlib's own extents tell.

Texts that overlap, are cut off or too small to read; titles and labels over a neighbour's plot; legends over data.
"""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure, FigureBase
from matplotlib.legend import Legend
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox

from tests.support.marks import marks_under, under_the_grid

SMALLEST = 7.0  # pixels: a font of less cannot be read
PAD = 0.1  # inches around a picture cut to what is in it, matplotlib's savefig.pad_inches


@dataclass(frozen=True)
class Seen:
    """A text as it was drawn: a rectangle about its centre, turned by an angle."""

    text: Text
    role: str
    owner: Any  # axes or figure
    axis: Any  # of a tick label
    centre: np.ndarray  # pixels
    size: np.ndarray  # pixels, before it is turned
    angle: float  # radians
    font: float  # pixels

    def __str__(self) -> str:
        return f"{self.role} {self.text.get_text()!r}"

    def corners(self, along: float = 0.0, across: float = 0.0) -> np.ndarray:
        """(4, 2) in pixels, with that much added at the ends of the lines and above and below them."""
        half = np.maximum(self.size / 2 + (along, across), 0)
        turn = np.array([[np.cos(self.angle), np.sin(self.angle)], [-np.sin(self.angle), np.cos(self.angle)]])
        return self.centre + np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half @ turn

    def ink(self) -> np.ndarray:
        """Without the space that a line keeps free above and below for letters that are taller or deeper."""
        return self.corners(-0.05 * self.font, -0.15 * self.font)


def overlap(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two rectangles (4, 2) meet: no side of either separates them."""
    for corners in (one, other):
        for edge in (corners[1] - corners[0], corners[2] - corners[1]):
            a, b = one @ edge, other @ edge
            if a.max() <= b.min() or b.max() <= a.min():
                return False
    return True


def rectangle(box: Bbox) -> np.ndarray:
    return np.array([[box.x0, box.y0], [box.x1, box.y0], [box.x1, box.y1], [box.x0, box.y1]])


def _placed(text: Text, renderer: Any) -> tuple[np.ndarray, np.ndarray, float]:
    """Centre, size and angle, while the text is drawn (only then those of three-dimensional axes have their place)."""
    turned = Text.get_window_extent(text, renderer)
    upright = copy.copy(text)
    upright.stale_callback = None
    upright.set_rotation(0)
    box = Text.get_window_extent(upright, renderer)
    centre = np.array([turned.x0 + turned.x1, turned.y0 + turned.y1]) / 2
    return centre, np.array([box.width, box.height]), np.deg2rad(text.get_rotation())


@contextmanager
def _at(figure: Figure, dpi: float) -> Iterator[None]:
    """That resolution for a while, without a redrawing of an interactive backend at each change."""
    before, interactive = figure.dpi, matplotlib.is_interactive()
    matplotlib.interactive(False)
    try:
        figure.set_dpi(dpi)
        yield
    finally:
        figure.set_dpi(before)
        figure.stale = False
        matplotlib.interactive(interactive)


def _drawn(figure: Figure) -> dict[int, tuple]:
    """Every text that is drawn, by its id: the text and its place."""
    found: dict[int, tuple] = {}
    draw = Text.draw

    def recorded(text: Text, renderer: Any, *arguments: Any, **options: Any) -> Any:
        if text.get_visible() and text.get_text().strip() and text.get_alpha() != 0:
            found[id(text)] = (text, *_placed(text, renderer))
        return draw(text, renderer, *arguments, **options)

    Text.draw = recorded  # type: ignore[method-assign]
    renderer = RendererAgg(*np.ceil(figure.bbox.size), figure.dpi)  # not the canvas's, which would lose its picture
    try:
        with renderer._draw_disabled():
            figure.draw(renderer)
    finally:
        Text.draw = draw  # type: ignore[method-assign]
    return found


def _roles(figure: Figure) -> dict[int, tuple[str, Any, Any]]:
    """By the id of a text: what it is, whose, and of which axis."""
    roles: dict[int, tuple[str, Any, Any]] = {}
    for part in figure.findobj(FigureBase):
        for name in ("_suptitle", "_supxlabel", "_supylabel"):
            if (text := getattr(part, name)) is not None:
                roles[id(text)] = ("the figure's title" if name == "_suptitle" else "the figure's label", part, None)
    for legend in figure.findobj(Legend):
        for text in legend.findobj(Text):
            roles[id(text)] = ("legend", legend.parent, None)
    for ax in figure.findobj(Axes):
        for text in (ax.title, ax._left_title, ax._right_title):
            roles[id(text)] = ("title", ax, None)
        for axis in (getattr(ax, name) for name in ("xaxis", "yaxis", "zaxis") if hasattr(ax, name)):
            roles[id(axis.label)] = ("label", ax, None)
            roles[id(axis.offsetText)] = ("offset", ax, None)
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                roles |= {id(text): ("tick label", ax, axis) for text in (tick.label1, tick.label2)}
    return roles


def texts(figure: Figure) -> list[Seen]:
    """The texts as drawn at the figure's resolution."""
    drawn, roles = _drawn(figure), _roles(figure)
    found = []
    for name, (text, *place) in drawn.items():
        role, owner, axis = roles.get(name, ("text", text.axes or figure, None))
        found.append(Seen(text, role, owner, axis, *place, text.get_fontsize() * figure.dpi / 72))
    return found


def canvas(figure: Figure, tight: bool) -> Bbox:
    """The picture in pixels: all that is drawn with a margin, as notebooks save it, or the figure as it is."""
    if not tight:
        return figure.bbox.frozen()  # which otherwise follows the resolution
    return figure.get_tightbbox().padded(PAD).transformed(figure.dpi_scale_trans)


def _overlapping(seen: list[Seen]) -> list[str]:
    """Texts over texts but legends, which are looked at as a whole; tick labels of one axis in one line."""
    found, ticks = [], {}
    for a, b in combinations([one for one in seen if one.role != "legend"], 2):
        if a.axis is not None and a.axis is b.axis:
            if overlap(a.corners(0.1 * a.font, -0.15 * a.font), b.corners(0.1 * b.font, -0.15 * b.font)):
                ticks.setdefault(a.axis, []).append(f"{a.text.get_text()!r} and {b.text.get_text()!r}")
        elif overlap(a.ink(), b.ink()):
            found.append(f"{a} and {b} overlap")
    for pairs in ticks.values():
        more = f" (and {len(pairs) - 1} pairs more)" if len(pairs) > 1 else ""
        found.append(f"tick labels {pairs[0]} overlap{more}")
    return found


def _cut(seen: list[Seen], picture: Bbox, figure: Figure) -> list[str]:
    """Texts that lie outside of the picture, are clipped, or are not drawn at all."""
    found = []
    for one in seen:
        inside = [picture]
        if one.text.get_clip_on() and one.text.get_clip_box() is not None:
            inside.append(one.text.get_clip_box())
        low, high = one.ink().min(0), one.ink().max(0)
        if any((low < box.min - 1).any() or (high > box.max + 1).any() for box in inside):
            found.append(f"{one} is cut off")
    drawn = {id(one.text) for one in seen}
    for note in figure.findobj(Annotation):
        if note.get_visible() and note.get_text().strip() and note.axes.get_visible() and id(note) not in drawn:
            found.append(f"text {note.get_text()!r} is not drawn: what it points to lies outside of the axes")
    return found


def _over_plots(seen: list[Seen], figure: Figure) -> list[str]:
    """What belongs to one plot, or to the whole figure, and lies over another plot."""
    found = []
    plots = [ax for ax in figure.findobj(Axes) if ax.get_visible() and (ax.axison or ax.has_data())]
    for one in seen:
        if one.role == "text" and not isinstance(one.owner, Axes):
            continue  # put there by the figure's own coordinates
        for ax in plots:
            if ax is one.owner or ax.name != "rectilinear" or (one.role == "legend" and one.owner is figure):
                continue
            if isinstance(one.owner, Axes) and one.owner.bbox.overlaps(ax.bbox.padded(-2)):
                continue  # a twin, or an inset
            if overlap(one.ink(), rectangle(ax.bbox.padded(-1))):
                found.append(f"{one} lies over another plot")
    return found


def _legends(seen: list[Seen], figure: Figure) -> list[str]:
    """Legends over data, over texts that are not theirs, and over each other."""
    found = []
    legends = [one for one in figure.findobj(Legend) if one.get_visible() and one.get_texts()]
    frames = [one.get_window_extent().padded(-1) for one in legends]
    for legend, frame in zip(legends, frames, strict=True):
        own = {id(text) for text in legend.findobj(Text)}
        name = f"the legend {', '.join(repr(text.get_text()) for text in legend.get_texts()[:2])}"
        for ax in figure.findobj(Axes):
            if ax.get_visible() and (mark := marks_under(ax, frame)):
                found.append(f"{name} lies over {mark}")
        found += [
            f"{name} lies over {one}"
            for one in seen
            if id(one.text) not in own and overlap(one.ink(), rectangle(frame)) and one.role != "legend"
        ]
    found += ["two legends overlap" for a, b in combinations(frames, 2) if a.overlaps(b)]
    return found


def problems(figure: Figure, width: float = 700, *, tight: bool = True, dpi: float | None = None) -> list[str]:
    """What a reader of a page of that width (pixels) would see wrong in the figure; nothing where it is in order.

    A picture that is wider than the page is scaled down to it, its letters included.

    Args:
        tight: whether the picture is cut to what is drawn, as notebooks do it.
        dpi: resolution at which it is saved; the figure's own by default.
    """
    with _at(figure, figure.dpi if dpi is None else dpi):
        seen, picture = texts(figure), canvas(figure, tight)
        found = _overlapping(seen) + _cut(seen, picture, figure) + _over_plots(seen, figure) + _legends(seen, figure)
    hidden = [name for ax in figure.findobj(Axes) if ax.get_visible() and (name := under_the_grid(ax))]
    found += [f"the grid lies over {name}" for name in hidden]
    smallest = SMALLEST / min(1, width / picture.width)
    small = [one for one in seen if one.font < smallest]
    if small:
        least = min(small, key=lambda one: one.font)
        size = least.font * SMALLEST / smallest
        found.append(f"{len(small)} texts are too small to read: {least} has {size:.1f} of {SMALLEST:g} pixels")
    return found
