"""Bars and curves of what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from torch import Tensor

from advcourse.core.validation import check_choice
from advcourse.evaluation import Report
from advcourse.plots._styling import PALETTE, array, axes_or_new, style


@style()
def top5(ax: Axes, probabilities: Tensor, classes: Sequence[str], label: int | None = None) -> Axes:
    """Bars of the five largest probabilities ``(K,)``, the most probable on top.

    The bar of ``label`` is blue and hatched, the others orange.
    """
    values, indices = probabilities.detach().cpu().topk(min(5, len(probabilities)))
    names = [classes[index] for index in indices.tolist()]
    names = [name if len(name) <= 18 else name[:17] + "…" for name in names]
    bars = ax.barh(range(len(names)), array(values), color=PALETTE[1])
    for bar, index in zip(bars, indices.tolist(), strict=True):
        if index == label:
            bar.set(facecolor=PALETTE[0], hatch="///", edgecolor="white")
    ax.set(yticks=range(len(names)), yticklabels=names, xlim=(0, 1), xlabel="probability")
    ax.invert_yaxis()
    ax.grid(False, axis="y")
    return ax


@style()
def success_curve(reports: Mapping[str, Report], *, metric: str = "normalized_l2", ax: Axes | None = None) -> Axes:
    """Share of the attacked images that are fooled within a distance, against that distance.

    Args:
        reports: by name, from ``evaluation.evaluate``, of attacks that look for the smallest change of each image.
        metric: ``"normalized_l2"``, ``"l2"`` or ``"linf"``.
        ax: where to draw.
    """
    labels = {
        "normalized_l2": r"normalised $L_2$:  $\|\tilde{x}-x\|_2/\|x\|_2$",
        "l2": r"$L_2$ distance  $\|\tilde{x}-x\|_2$",
        "linf": r"$L_\infty$ distance  $\|\tilde{x}-x\|_\infty$",
    }
    check_choice("metric", metric, tuple(labels))
    ax = axes_or_new(ax)
    curves = {}
    for name, report in reports.items():
        distances = getattr(report, f"{metric}_per_image")[report.success & report.attacked].sort().values
        curves[name] = distances.cpu().tolist(), int(report.attacked.sum())
    end = 1.05 * max((distances[-1] for distances, _ in curves.values() if distances), default=1.0)
    for name, (distances, attacked) in curves.items():
        share = [count / max(attacked, 1) for count in range(len(distances) + 1)]
        ax.step([0.0, *distances, end], [*share, share[-1]], where="post", label=name)
    ax.set(xlabel=labels[metric], ylabel="success rate", xlim=(0, end), ylim=(-0.02, 1.02))
    ax.legend(loc="lower right")
    return ax


@style()
def accuracy_curve(
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    *,
    xlabel: str = r"mean $L_2$ distance",
    ylabel: str = "accuracy",
    ax: Axes | None = None,
) -> Axes:
    """Accuracies against a budget or a distance: ``{name: (distances, accuracies)}``."""
    ax = axes_or_new(ax)
    for (name, (distances, accuracies)), marker in zip(curves.items(), "os^Dv*x", strict=False):
        ax.plot(distances, accuracies, marker=marker, markersize=4, label=name)
    ax.set(xlabel=xlabel, ylabel=ylabel, ylim=(-0.02, 1.02))
    ax.legend()
    return ax
