"""What a shorter perturbation costs, and what a search for a constant has tried."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, LogFormatter, NullLocator

from advcourse.plots._styling import PALETTE, axes_or_new, style


@style()
def cost_curve(
    runs: Mapping[str, Sequence[tuple[float, float]]],
    *,
    xlabel: str = "forward and backward passes per image",
    ylabel: str = "median $L_2$ distance",
    ax: Axes | None = None,
) -> Axes:
    """Lengths against costs, ``{name: [(cost, length), …]}``, on logarithmic axes, names in a legend at the right.

    A run whose length is infinite (half the images or more were not fooled) is left out. Markers grow along a line,
    from the first of its runs to the last.

    Raises:
        ValueError: where nothing can be drawn, or a cost or length is not above 0.
    """
    ax = axes_or_new(ax, 7.6, 3.9)
    seen = []
    for place, (name, points) in enumerate(runs.items()):
        kept = [(float(cost), float(length)) for cost, length in points if math.isfinite(length)]
        if any(not (cost > 0 and length > 0) for cost, length in kept):
            raise ValueError(f"runs[{name!r}] is {points}, expected costs and lengths above 0")
        if kept:
            color, marker = PALETTE[place % len(PALETTE)], "ov^sDP*Xph"[place % 10]
            costs, lengths = zip(*kept, strict=True)
            ax.plot(costs, lengths, color=color, linestyle="-", linewidth=1)
            sizes = [60 + 45 * i for i in range(len(kept))]
            ax.scatter(costs, lengths, s=sizes, color=color, marker=marker, edgecolor="white", label=name)
            seen += kept
    if not seen:
        raise ValueError("runs holds no finite length, expected at least one")
    ax.set(xscale="log", yscale="log", xlabel=xlabel, ylabel=ylabel)
    for axis, values, room in zip((ax.xaxis, ax.yaxis), zip(*seen, strict=True), (1.25, 1.12), strict=True):
        low, high = min(values) / room, max(values) * room
        axis.set_view_interval(low, high, ignore=True)
        axis.set_major_locator(FixedLocator(_round_numbers(low, high)))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(LogFormatter(labelOnlyBase=False, minor_thresholds=(math.inf, math.inf)))
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return ax


def _round_numbers(low: float, high: float) -> list[float]:
    """1, 2 and 5 times powers of ten from low to high; with halves between where those are fewer than three."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in ((1, 2, 5), (1, 1.5, 2, 3, 5, 7)):
        found = [digit * 10.0**k for k in decades for digit in digits if low <= digit * 10.0**k <= high]
        if len(found) > 2:
            break
    return found


@style()
def constant_search(
    swept: Sequence[tuple[float, float]], searched: Sequence[tuple[float, float]], *, ylabel: str = "$L_2$ distance"
) -> Figure:
    """Above, the length that each constant of a sweep leads to; below, the constants that a search tried, in order.

    Args:
        swept: ``(c, length)``, with an infinite length where nothing was found.
        searched: the same, in the order in which they were tried.
        ylabel: of the panel above.
    """
    figure, (above, below) = plt.subplots(2, 1, figsize=(6.6, 4.8), sharex=True, height_ratios=(3, 2))
    good = [(c, length) for c, length in swept if math.isfinite(length)]
    if good:
        above.plot(*zip(*good, strict=True), ".-", color=PALETTE[0])
        tried = [*swept, *searched]
        first = min(c for c, length in tried if math.isfinite(length))
        edge = max((c for c, length in tried if c < first), default=first)
        for ax in (above, below):
            ax.axvspan(min(c for c, _ in swept), edge, color="#eeeeee", zorder=0)
        above.text(edge, 0.04, "no success  ", ha="right", transform=above.get_xaxis_transform(), fontsize=9)
        above.set_ylim(0, 1.1 * max(length for _, length in good))
    for success, marker, name in ((True, "o", "success"), (False, "x", "no success")):
        marks = [(c, i) for i, (c, length) in enumerate(searched, 1) if math.isfinite(length) == success]
        if marks:
            color = PALETTE[0] if success else PALETTE[1]
            below.plot(*zip(*marks, strict=True), marker, color=color, linestyle="none", label=name, zorder=3)
    below.plot([c for c, _ in searched], range(1, len(searched) + 1), "-", color="grey", linewidth=0.8, zorder=2)
    above.set(xscale="log", ylabel=ylabel)
    below.set(xlabel="constant $c$", ylabel="run of the search", yticks=range(1, len(searched) + 1))
    below.invert_yaxis()
    below.legend(loc="lower right")
    return figure
