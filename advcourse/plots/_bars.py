"""Bars of shares and of counts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from advcourse.core.validation import check_at_least, check_at_most
from advcourse.plots._styling import PALETTE, style

GREY = "#999999"


@style()
def share_bars(shares: Mapping[str, float], xlabel: str, *, controls: Collection[str] = ()) -> Axes:
    """One horizontal bar for each share in [0, 1], the first on top, with its value in per cent at its end.

    Args:
        shares: by the name at the bar's left.
        xlabel: what they are shares of.
        controls: names of the bars that are drawn grey and hatched: what happens without the method.

    Raises:
        ValueError: for a share outside [0, 1], or a control that is not there.
    """
    for name, share in shares.items():
        check_at_least(0, optional=False, **{name: share})
        check_at_most(1, **{name: share})
    if missing := set(controls) - set(shares):
        raise ValueError(f"controls holds {sorted(missing)}, expected names of {list(shares)}")
    _, ax = plt.subplots(figsize=(6.2, 0.7 + 0.38 * len(shares)))
    bars = ax.barh(list(shares), list(shares.values()), height=0.65, color=PALETTE[0])
    for bar, name in zip(bars, shares, strict=True):
        if name in controls:
            bar.set(facecolor=GREY, hatch="///", edgecolor="white")
    ax.bar_label(bars, [f"{share:.0%}" for share in shares.values()], padding=3)
    ax.set(xlim=(0, 1.1), xticks=np.linspace(0, 1, 6), xlabel=xlabel)
    ax.invert_yaxis()
    ax.grid(False, axis="y")
    return ax


@style()
def count_bars(names: Sequence[str], counts: Mapping[str, Sequence[int]], xlabel: str, ylabel: str) -> Axes:
    """Groups of vertical bars, a group for each name and a bar for each series of counts; all but the first hatched.

    Args:
        names: of the groups.
        counts: ``{series: one count per name}``.
        xlabel, ylabel: of the axes.

    Raises:
        ValueError: where a series has not one count per name.
    """
    _, ax = plt.subplots(figsize=(6.8, 2.9))
    places, width = np.arange(len(names)), 0.8 / max(1, len(counts))
    for k, (series, values) in enumerate(counts.items()):
        if len(values) != len(names):
            raise ValueError(f"counts[{series!r}] has {len(values)} values, expected {len(names)}: one per name")
        at = places + (k - (len(counts) - 1) / 2) * width
        ax.bar(at, list(values), width, label=series, hatch="///" if k else "", edgecolor="white")
    ax.set_xticks(places, [name if len(name) <= 12 else name[:11] + "…" for name in names], rotation=30, ha="right")
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.grid(False, axis="x")
    ax.legend()
    return ax
