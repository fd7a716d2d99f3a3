"""What queries buy: success against their number, estimates against their number, and how alike they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from matplotlib.axes import Axes
from torch import Tensor

from advcourse.core.validation import check_above
from advcourse.plots._styling import array, axes_or_new, style


@style()
def query_curve(
    found: Mapping[str, tuple[Tensor, Tensor]], *, budget: int, first: int = 1, ax: Axes | None = None
) -> Axes:
    """Share of the images that are fooled within so many queries, against that number: failures never join the curve.

    Args:
        found: by name, ``(queries, fooled)``, int64 and bool ``(N,)``: what each image cost, and whether it was fooled.
        budget: right end of the axis, the queries that every image had.
        first: left end.
        ax: where to draw.
    """
    ax = axes_or_new(ax)
    for name, (queries, fooled) in found.items():
        cost = queries[fooled].sort().values.clamp_min(first).tolist()
        share = [count / max(len(queries), 1) for count in range(len(cost) + 1)]
        ax.step([first, *cost, budget], [*share, share[-1]], where="post", label=name)
    ax.set(xscale="log", xlabel="queries for an image", ylabel="share fooled", xlim=(first, budget))
    ax.set_ylim(-0.02, 1.02)
    ax.legend()
    return ax


@style()
def cosine_curve(
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    *,
    size: int | None = None,
    xlabel: str = "queries n",
    ylabel: str = r"mean of $\cos^2$",
    ax: Axes | None = None,
) -> Axes:
    """How well estimates point along the gradient: ``{name: (queries or distances, mean squared cosines)}``.

    Args:
        curves: what was measured, drawn as markers.
        size: d, where the axis counts antithetic queries of an image of d numbers: the line m/(m + d + 1) of m = n/2
            directions is drawn too.
        xlabel, ylabel: of the axes.
        ax: where to draw.
    """
    ax = axes_or_new(ax)
    for (name, (at, values)), marker in zip(curves.items(), "os^Dv*", strict=False):
        ax.plot(at, values, marker=marker, markersize=5, label=name)
    if size is not None:
        check_above(0, size=size)
        ends = torch.tensor([float(x) for at, _ in curves.values() for x in at])
        n = torch.logspace(ends.min().log10().item(), ends.max().log10().item(), 60)
        ax.plot(array(n), array(n / 2 / (n / 2 + size + 1)), ":", color="black", label="m/(m + d + 1), m = n/2")
    ax.set(xscale="log", xlabel=xlabel, ylabel=ylabel)
    ax.legend()
    return ax


@style()
def cumulative_curve(
    values: Mapping[str, Tensor], *, xlabel: str, ylabel: str = "share of the queries", ax: Axes | None = None
) -> Axes:
    """Share of the values of each name ``(M,)`` that are no larger than what the axis, a logarithmic one, says."""
    ax = axes_or_new(ax)
    end = 1.2 * max((float(each.max()) for each in values.values() if len(each)), default=1.0)
    for name, each in values.items():
        ordered = each.sort().values.tolist()
        ax.step([*ordered, end], [(k + 1) / len(each) for k in range(len(each))] + [1.0], where="post", label=name)
    ax.set(xscale="log", xlabel=xlabel, ylabel=ylabel, ylim=(-0.02, 1.02))
    ax.legend()
    return ax
