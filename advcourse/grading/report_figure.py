"""The one figure of a class report, as SVG that takes the colours of the page around it."""

from __future__ import annotations

import io
import math
import re
from collections import Counter
from collections.abc import Sequence
from html import escape
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from advcourse.plots import PALETTE, style

INK, LINE = "#010203", "#dddddd"
COLOURS = {INK: "currentColor", LINE: "var(--line)", PALETTE[0]: "var(--accent)", PALETTE[4]: "var(--second)"}
"""What the figure is drawn with, and what stands there in the page, light or dark."""


def score_bins(scores: Sequence[float], most: float) -> dict[float, int]:
    """How many scores lie nearest to each of at most 26 values from 0 to ``most``, evenly spaced by whole points."""
    step = math.ceil(most / 25) or 1
    last = math.ceil(most / step)
    counts = Counter(min(max(math.floor(score / step + 0.5), 0), last) for score in scores)
    return {number * step: counts[number] for number in range(last + 1)}


def score_figure(scores: Sequence[float], so_far: Sequence[float], most: float, caption: str) -> str:
    """Bars of how many have how many points: what is graded, and on top of it, hatched, what is not yet.

    Returns:
        An ``<svg>`` with its description, the same for the same numbers.
    """
    graded, waiting = score_bins(scores, most), score_bins(so_far, most)
    width = 0.86 * (math.ceil(most / 25) or 1)
    with style(), rc_context({"svg.fonttype": "none", "svg.hashsalt": "scores", "font.family": "sans-serif"}):
        figure = Figure(figsize=(7.2, 2.9))
        axes = figure.add_subplot()
        if scores or not so_far:
            axes.bar(list(graded), list(graded.values()), width, color=PALETTE[0], label="graded")
        if so_far:
            look: dict[str, Any] = {"color": "none", "edgecolor": PALETTE[4], "hatch": "////"}
            places = [points for points, number in waiting.items() if number]
            heights, below = [waiting[points] for points in places], [graded[points] for points in places]
            axes.bar(places, heights, width, bottom=below, label="points so far", **look)
        axes.set_xlabel(f"points of {most:g}", color=INK)
        axes.set_ylabel("submissions", color=INK)
        axes.tick_params(colors=INK)
        axes.grid(axis="x", visible=False)
        axes.set_axisbelow(True)
        axes.set_xticks(list(graded)[:: 1 + (len(graded) - 1) // 18])
        axes.margins(y=0.1)
        axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
        axes.spines[:].set_color(INK)
        if so_far:
            axes.legend(labelcolor=INK, loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0)
        file = io.StringIO()
        figure.savefig(file, format="svg", transparent=True, metadata=dict.fromkeys(("Date", "Creator", "Type")))
    drawn = file.getvalue()
    drawn = re.sub(r"<(metadata|style)\b.*?</\1>", "", drawn[drawn.index("<svg") :], flags=re.DOTALL)
    for drawn_in, shown_in in COLOURS.items():
        drawn = re.sub(drawn_in, shown_in, drawn, flags=re.IGNORECASE)
    return _described(drawn, f"{caption} {_counted(graded, 'graded')}{_counted(waiting, 'so far')}")


def _counted(bins: dict[float, int], name: str) -> str:
    told = ", ".join(f"{number} with {points:g}" for points, number in bins.items() if number)
    return f"{name.capitalize()}: {told}. " if told else ""


def _described(svg: str, words: str) -> str:
    head = f'<svg role="img" aria-label="{escape(words.strip())}" '
    return svg.replace("<svg ", head, 1)
