"""What a budget buys: images at growing budgets, success against the budget, and the control beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from advcourse.core.validation import check_at_least
from advcourse.evaluation import Report, RobustnessReport
from advcourse.plots._images import draw_image, magnify
from advcourse.plots._robustness import robustness_curve
from advcourse.plots._styling import PALETTE, array, axes_or_new, style

_Points = tuple[Sequence[float], Sequence[float]]
_MARKERS = "s^Dv*"


@style()
def show_control(
    image: Tensor, adversarial: Tensor, control: Tensor, titles: tuple[str, str, str], *, eps: float
) -> Figure:
    """An attack above, its control below: the image, what was added to it (magnified) and their sum.

    Args:
        image, adversarial, control: ``(C, H, W)`` in [0, 1].
        titles: over each of the three, what the network says of it.
        eps: the size of both, in pixel units of [0, 1], for the titles.
    """
    check_at_least(0, eps=eps)
    figure, grid = plt.subplots(2, 3, figsize=(6.8, 4.9))
    rows = (("chosen by the attack", adversarial, titles[1]), ("random signs", control, titles[2]))
    for (left, middle, right), (name, result, title) in zip(grid, rows, strict=True):
        noise, factor = magnify(result - image)
        draw_image(left, image, titles[0])
        draw_image(middle, noise, f"{name}, at most {255 * eps:.3g}/255\n(drawn × {factor}; grey: no change)")
        draw_image(right, result, title)
    return figure


@style()
def show_budgets(rows: Sequence[tuple[Tensor, Sequence[str], Sequence[bool]]]) -> Figure:
    """Rows of images under growing budgets; the title of an image that is misread is orange.

    Args:
        rows: of each its images ``(N, C, H, W)`` in [0, 1], their N titles, and whether each is misread; N is the same
            in all rows.
    """
    columns = len(rows[0][0])
    figure, grid = plt.subplots(len(rows), columns, figsize=(7.8, 1.55 * len(rows)), squeeze=False)
    for axes, (images, titles, wrong) in zip(grid, rows, strict=True):
        for ax, image, title, misread in zip(axes, images, titles, wrong, strict=True):
            draw_image(ax, image, title)
            ax.title.set(fontsize=8, color=PALETTE[1] if misread else "black")
    return figure


@style()
def budget_curve(
    report: Report,
    attempts: Mapping[str, _Points],
    *,
    name: str,
    unit: float = 1 / 255,
    end: float = 8,
    ax: Axes | None = None,
) -> Axes:
    """Success against the linf budget: of an attack that stopped by itself, a staircase, and of others by markers.

    Args:
        report: from ``evaluation.evaluate``, of the attack that stopped each image by itself.
        attempts: by name, the budgets and the success rates of attacks that were run at each budget.
        name: of the staircase.
        unit: one level of the axis, in pixel units of [0, 1].
        end: of the axis, in units; farther images do not join the staircase.
        ax: where to draw.
    """
    ax = axes_or_new(ax, 6, 3.6)
    distances = report.linf_per_image[report.success & report.attacked].sort().values / unit
    distances = array(distances[distances <= end]).tolist()
    share = [count / max(int(report.attacked.sum()), 1) for count in range(len(distances) + 1)]
    ax.step([0.0, *distances, 1.02 * end], [*share, share[-1]], where="post", linestyle="-", label=name)
    for (other, (budgets, rates)), marker, color in zip(attempts.items(), _MARKERS, PALETTE[1:], strict=False):
        ax.plot([eps / unit for eps in budgets], rates, marker, color=color, linestyle="none", label=other)
    ax.set(xlabel=r"$\varepsilon$:  $L_\infty$ distance, in levels", ylabel="success rate", ylim=(-0.04, 1.04))
    ax.set_xlim(0, 1.02 * end)
    if unit == 1 / 255:
        ax.set_xlabel(r"$\varepsilon$:  $L_\infty$ distance, in levels of 255")
    ax.legend(loc="center right")
    return ax


@style()
def distance_curve(
    noise: Mapping[str, _Points], points: Mapping[str, _Points], report: Report, *, name: str, ax: Axes | None = None
) -> Axes:
    """Accuracy against the L2 distance (logarithmic): noise as curves, attacks at one strength each as markers, and the
    attack that stopped each image by itself as a staircase.

    Args:
        noise, points: by name, the distances and the accuracies.
        report: from ``evaluation.evaluate``, of the attack that stopped each image by itself.
        name: of its staircase.
        ax: where to draw.
    """
    ax = axes_or_new(ax, 6.2, 4.2)
    for (other, (distances, accuracies)), marker, color in zip(noise.items(), "ox", PALETTE, strict=False):
        ax.plot(distances, accuracies, marker=marker, color=color, markersize=5, label=other)
    for (other, (distances, accuracies)), marker, color in zip(points.items(), _MARKERS, PALETTE[2:], strict=False):
        ax.plot(distances, accuracies, marker, color=color, linestyle="none", label=other)
    found = report.l2_per_image[report.success & report.attacked].sort().values
    left = report.clean_accuracy - torch.arange(len(found) + 1) / len(report.attacked)
    if len(found):
        start = torch.cat([found[:1], found])
        ax.step(array(start), array(left), where="post", color="black", linestyle="-", label=name)
    ax.axhline(report.clean_accuracy, color="grey", linewidth=1, linestyle="--", label="clean images")
    ax.set(xscale="log", xlabel=r"$L_2$ distance  $\|\tilde{x}-x\|_2$ (logarithmic)", ylabel="accuracy")
    ax.set_ylim(-0.04, 1.04)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=3)
    return ax


@style()
def prediction_scatter(predicted: Tensor, measured: Mapping[str, Tensor], *, what: str, ax: Axes | None = None) -> Axes:
    """Measurements against what was predicted, on logarithmic axes, with the diagonal on which the two agree.

    Args:
        predicted: ``(N,)``, positive.
        measured: by name, ``(N,)``, positive.
        what: is predicted, for the axes.
        ax: where to draw.
    """
    ax = axes_or_new(ax, 5.6, 3.9)
    ends = [predicted.min().item() * 0.8, predicted.max().item() * 1.25]
    ax.plot(ends, ends, color="grey", linewidth=1, linestyle="-", label="prediction = measurement")
    for (name, values), marker, color in zip(measured.items(), "ox^", PALETTE, strict=False):
        ax.plot(array(predicted), array(values), marker, color=color, linestyle="none", markersize=5, label=name)
    ax.set(xscale="log", yscale="log", xlabel=f"{what}, predicted", ylabel=f"{what}, measured")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)
    return ax


@style()
def quantized_curve(levels: Sequence[float], rates: Mapping[str, Sequence[float]], *, ax: Axes | None = None) -> Axes:
    """Success rates against the budget in levels of 255; dotted lines at the half levels, where rounding turns over."""
    ax = axes_or_new(ax, 6.2, 3.8)
    for (name, shares), marker in zip(rates.items(), "os^x", strict=False):
        ax.plot(levels, shares, marker=marker, markersize=5, label=name)
    for half in range(int(max(levels) + 0.5)):
        ax.axvline(half + 0.5, color="grey", linewidth=0.8, linestyle=":")
    ax.set(xlabel=r"$\varepsilon$, in levels of 255", ylabel="success rate", ylim=(-0.04, 1.04), xlim=(0, None))
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=3)
    return ax


@style()
def robustness_curves(reports: Sequence[RobustnessReport], marks: Mapping[str, Sequence[float]]) -> Figure:
    """Robust accuracy in several norms side by side, ``robustness_curve`` in each, with further numbers by markers.

    Args:
        reports: one for each norm.
        marks: by name, one accuracy for each report, drawn at the report's radius.
    """
    figure, axes = plt.subplots(1, len(reports), figsize=(7.8, 3.3), sharey=True, squeeze=False)
    for i, (ax, report) in enumerate(zip(axes[0], reports, strict=True)):
        robustness_curve(report, ax=ax)
        for (name, accuracies), marker in zip(marks.items(), "^x", strict=False):
            ax.plot(report.eps, accuracies[i], marker, color="black", linestyle="none", label=name)
        ax.set_title(f"{report.norm}, $\\varepsilon$ = {report.eps:g}")
        ax.locator_params(axis="x", nbins=4)
        ax.get_legend().remove()
        ax.label_outer()
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure
