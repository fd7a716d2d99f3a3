"""What robustness costs: time across, robust accuracy up, clean accuracy as the colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.transforms import Bbox
from scipy.sparse.csgraph import connected_components

from advcourse.plots._styling import axes_or_new, style

if TYPE_CHECKING:
    import pandas

PLACES = [(x, y, align) for y in (0, 8, -8, 16, -16) for x, align in ((7, "left"), (-7, "right"))]
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
    ax.set_xlim(table[across].min() / 1.6, table[across].max() * 3.2)
    ax.set_xticks([1, 2, 5, 10], ["1", "2", "5", "10"])
    ax.minorticks_off()
    _name(ax, table, across, up)
    return ax


def _name(ax: Axes, table: pandas.DataFrame, across: str, up: str) -> None:
    """Beside each dot its name, where it covers nothing; those of a crowd in a column to its right, with lines."""
    renderer = ax.figure.canvas.get_renderer()  # type: ignore[attr-defined]
    values = table[[across, up]].to_numpy(float)
    spots = ax.transData.transform(values)
    taken = [Bbox.from_bounds(x - 6, y - 6, 12, 12) for x, y in spots]
    crowds = _crowds(spots)
    for crowd in crowds:
        right, middle = spots[crowd][:, 0].max() + 34, spots[crowd][:, 1].mean()
        ordered = sorted(crowd, key=lambda i: -spots[i][1])
        for i, y in zip(ordered, 13 * (np.arange(len(crowd))[::-1] - (len(crowd) - 1) / 2), strict=True):
            line = {"arrowstyle": "-", "linewidth": 0.6, "color": "grey", "shrinkA": 0, "shrinkB": 3}
            end = tuple(ax.transData.inverted().transform((right, middle + y)))
            ax.annotate(table.index[i], values[i], end, va="center", fontsize=8, arrowprops=line)
    for i in sorted(set(range(len(table))) - {i for crowd in crowds for i in crowd}):
        tries: list[tuple] = []
        for x, y, align in PLACES:
            text = ax.annotate(
                table.index[i], values[i], (x, y), textcoords="offset points", ha=align, va="center", fontsize=8
            )
            tries.append((sum(text.get_window_extent(renderer).overlaps(other) for other in taken), len(tries), text))
        *_, kept = min(tries, key=lambda each: each[:2])
        for *_, text in tries:
            if text is not kept:
                text.remove()
        taken.append(kept.get_window_extent(renderer))


def _crowds(spots: np.ndarray, near: float = 24.0) -> list[list[int]]:
    """Groups of three and more dots, each within that many pixels of another of its group."""
    distance = np.linalg.norm(spots[:, None] - spots, axis=2)
    _, group = connected_components(distance < near)
    groups = [np.flatnonzero(group == each).tolist() for each in np.unique(group)]
    return [each for each in groups if len(each) > 2]
