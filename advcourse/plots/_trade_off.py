"""What robustness costs: time across, robust accuracy up, clean accuracy as the colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.transforms import Bbox

from advcourse.plots._styling import axes_or_new, style

if TYPE_CHECKING:
    import pandas

PLACES = [(x, y, align) for y in (0, 8, -8, 16, -16, 24, -24) for x, align in ((7, "left"), (-7, "right"))]
"""Where a name may stand, in points from its dot."""


@style()
def trade_off(
    table: pandas.DataFrame,
    *,
    across: str = "cost",
    up: str = "trusted",
    colour: str = "accuracy",
    labels: tuple[str, str, str] = ("training time over standard training", "robust accuracy", "clean accuracy"),
    ax: Axes | None = None,
) -> Axes:
    """A dot for each row, with its name beside it and, where the table has a column ``NAME ±``, its interval upwards.

    Args:
        table: one row a method, such as of ``zoo.defended.tabulated``.
        across, up, colour: its columns; the first is drawn on a logarithmic axis.
        labels: of the axis across, the axis up and the colours.
        ax: where to draw.
    """
    ax = axes_or_new(ax, 6.4, 4.2)
    half = table[f"{up} ±"].fillna(0) if f"{up} ±" in table else 0 * table[up]
    ax.errorbar(table[across], table[up], half, fmt="none", ecolor="grey", capsize=2, linewidth=1, zorder=1)
    dots = ax.scatter(table[across], table[up], 46, table[colour], cmap="cividis", edgecolor="black", zorder=2)
    ax.figure.colorbar(dots, ax=ax, label=labels[2])
    ax.set(xscale="log", xlabel=labels[0], ylabel=labels[1], ylim=(-0.04, 1.0 if table[up].max() > 0.85 else 0.9))
    ax.set_xlim(table[across].min() / 1.6, table[across].max() * 1.9)
    ax.set_xticks([1, 2, 5, 10], ["1", "2", "5", "10"])
    ax.minorticks_off()
    _name(ax, table, across, up)
    return ax


def _name(ax: Axes, table: pandas.DataFrame, across: str, up: str) -> None:
    """Each name where it covers no dot and no other name, or as near to that as there is."""
    renderer = ax.figure.canvas.get_renderer()  # type: ignore[attr-defined]
    spots = ax.transData.transform(table[[across, up]].to_numpy(float))
    taken = [Bbox.from_bounds(x - 6, y - 6, 12, 12) for x, y in spots]
    for name, spot in zip(table.index, table[[across, up]].to_numpy(float), strict=True):
        tries: list[tuple] = []
        for x, y, align in PLACES:
            text = ax.annotate(name, spot, (x, y), textcoords="offset points", ha=align, va="center", fontsize=8)
            box = text.get_window_extent(renderer)
            inside = ax.get_window_extent(renderer)
            beyond = box.x0 < inside.x0 or box.x1 > inside.x1 or box.y0 < inside.y0 or box.y1 > inside.y1
            tries.append((sum(box.overlaps(other) for other in taken) + 10 * beyond, len(tries), text, box))
        *_, kept, box = min(tries, key=lambda each: each[:2])
        for *_, text, _ in tries:
            if text is not kept:
                text.remove()
        taken.append(box)
