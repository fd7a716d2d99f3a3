"""Estimates with their intervals, one below the other."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.axes import Axes

from advcourse.plots._styling import PALETTE, axes_or_new, style


@style()
def interval_chart(
    intervals: Mapping[str, tuple[float, float, float]],
    others: Mapping[str, float] | None = None,
    *,
    xlabel: str,
    label: str,
    other: str = "",
    ax: Axes | None = None,
) -> Axes:
    """A dot and a bar for each name, the first at the top, and a line at zero; diamonds for numbers without a bar.

    Args:
        intervals: by name, the estimate and the two ends of its interval.
        others: further numbers for some of the names.
        xlabel: what is measured, and in which unit.
        label: of the dots in the legend; ``other``: of the diamonds.
        ax: where to draw.
    """
    ax = axes_or_new(ax, 6.6, 1.1 + 0.34 * len(intervals))
    names = list(intervals)
    middle, low, high = zip(*intervals.values(), strict=True)
    places = range(len(names))
    reach = [[m - a for m, a in zip(middle, low, strict=True)], [b - m for m, b in zip(middle, high, strict=True)]]
    ax.axvline(0, color="#888888", linewidth=1)
    ax.errorbar(middle, places, xerr=reach, fmt="o", color=PALETTE[0], capsize=4, label=label)
    if others:
        there = [place for place, name in enumerate(names) if name in others]
        ax.plot([others[names[place]] for place in there], there, "D", color=PALETTE[1], label=other)
    ax.set(yticks=list(places), yticklabels=names, xlabel=xlabel, ylim=(len(names) - 0.4, -0.6))
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
    return ax
