"""Balls of norms: the plane's, with the points that an attack goes to, and what a perturbation in each looks like."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Patch, Polygon
from torch import Tensor

from advcourse.core.validation import check_choice
from advcourse.plots._images import draw_image, magnify
from advcourse.plots._styling import PALETTE, array, style

_CORNERS = {torch.inf: [(1, 1), (-1, 1), (-1, -1), (1, -1)], 1: [(1, 0), (0, 1), (-1, 0), (0, -1)]}
_SIGNS = {torch.inf: r"\infty", 2: "2", 1: "1"}
_NORMS = {"linf": r"$\ell_\infty$", "l2": r"$\ell_2$", "l1": r"$\ell_1$"}
_Choice = Callable[[Tensor, float, float], Tensor]


def _panels(reach: float) -> tuple[Figure, dict[float, Axes]]:
    """Three panels with the unit balls of linf, l2 and l1."""
    figure, axes = plt.subplots(1, 3, figsize=(7.6, 3.0), sharey=True)
    for ax, p in zip(axes, _SIGNS, strict=True):
        shape: Patch = Polygon(_CORNERS[p]) if p in _CORNERS else Circle((0, 0), 1)
        shape.set(facecolor="#d6e6f2", edgecolor=PALETTE[0])
        ax.add_patch(shape)
        ax.set(title=rf"$\|\delta\|_{{{_SIGNS[p]}}} \leq 1$", xlabel=r"$\delta_1$", aspect="equal")
        ax.set(xlim=(-reach, reach), ylim=(-reach, reach), xticks=[-1, 0, 1], yticks=[-1, 0, 1])
    axes[0].set_ylabel(r"$\delta_2$")
    return figure, dict(zip(_SIGNS, axes, strict=True))


@style()
def show_maximisers(maximiser: _Choice, gradient: Tensor) -> Figure:
    """The unit balls of linf, l2 and l1 in the plane, and the point of each that goes furthest along the gradient.

    Args:
        maximiser: ``(gradient, eps, p) -> (2,)``, the maximiser of g·δ over ‖δ‖_p ≤ eps; p is inf, 2 or 1.
        gradient: ``(2,)``, the second entry not zero; drawn at two thirds of its length.
    """
    figure, panels = _panels(1.5)
    across, (first, second) = np.linspace(-1.5, 1.5, 2), gradient.tolist()
    for p, ax in panels.items():
        best = maximiser(gradient, 1.0, p)
        gain = (gradient @ best).item()
        ax.plot(
            across, (gain - first * across) / second, color="grey", linestyle=":", label=r"all $\delta$ of that gain"
        )
        ax.quiver(*array(0.65 * gradient), angles="xy", scale_units="xy", scale=1, color=PALETTE[1], width=0.015)
        ax.plot(*best.tolist(), "*", color="black", markersize=12, label=r"maximiser $\delta^\star$")
        ax.plot([], [], color=PALETTE[1], linestyle="-", label=r"direction of $g$")
        ax.set_title(f"{ax.get_title()},  gain {gain:.2f}")
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


@style()
def show_projections(projection: _Choice, points: Tensor) -> Figure:
    """The unit balls of linf, l2 and l1 in the plane, and where points outside are projected to.

    Args:
        projection: ``(u, eps, p) -> (2,)``, the point of ‖δ‖_p ≤ eps nearest to u; p is inf, 2 or 1.
        points: ``(n, 2)``.
    """
    figure, panels = _panels(1.8)
    for p, ax in panels.items():
        for u in points:
            v = projection(u, 1.0, p)
            ax.annotate("", tuple(v.tolist()), tuple(u.tolist()), arrowprops={"arrowstyle": "->", "color": "grey"})
            ax.plot(*u.tolist(), "o", color=PALETTE[1])
            ax.plot(*v.tolist(), "s", color="black", markersize=4)
    return figure


@style()
def show_norms(losses: Mapping[str, Sequence[float]], perturbations: Mapping[str, Tensor]) -> Figure:
    """One attack in the balls of several norms: its loss by iteration, and one image's perturbation in each.

    Args:
        losses: by norm, ``"linf"``, ``"l2"`` or ``"l1"``, the mean loss of each iterate.
        perturbations: by the same norms, ``(C, H, W)``; drawn around grey, magnified by the factor in the title.
    """
    figure, (ax, *panels) = plt.subplots(
        1, 1 + len(perturbations), figsize=(7.8, 2.7), width_ratios=(1.7, *[1] * len(perturbations))
    )
    for panel, (norm, delta) in zip(panels, perturbations.items(), strict=True):
        check_choice("norm", norm, tuple(_NORMS))
        noise, factor = magnify(delta)
        changed = (delta.abs() > 1e-6).float().mean().item()
        draw_image(panel, noise, f"{_NORMS[norm]}: δ × {factor}\n{changed:.0%} changed")
        ax.plot(losses[norm], label=_NORMS[norm])
    ax.set(xlabel="iteration", ylabel="mean cross-entropy")
    ax.legend()
    return figure
