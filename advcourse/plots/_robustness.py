"""Robustness over the radius, and what speaks against it."""

from __future__ import annotations

from matplotlib.axes import Axes

from advcourse.evaluation import Diagnosis, RobustnessReport
from advcourse.plots._styling import PALETTE, axes_or_new, style

LENGTHS = {
    "linf": r"$L_\infty$ radius $\varepsilon$",
    "l2": r"$L_2$ radius $\varepsilon$",
    "l1": r"$L_1$ radius $\varepsilon$",
}


@style()
def robustness_curve(report: RobustnessReport, *, ax: Axes | None = None) -> Axes:
    """Robust accuracy against the radius: the curve of the distances, and the worst case with its 95 % interval at each
    radius that was asked for.
    """
    ax = axes_or_new(ax)
    if report.distance is not None:
        end = 1.6 * report.eps or 1.0
        radii = [0.0, *(each for each in report.distance.sort().values.tolist() if 0 < each < end), end]
        ax.step(radii, report.curve(radii), where="post", color=PALETTE[0], label="from each image's distance")
    middle = [level.robust_accuracy for level in report.levels]
    below = [level.robust_accuracy - level.low for level in report.levels]
    above = [level.high - level.robust_accuracy for level in report.levels]
    eps = [level.eps for level in report.levels]
    ax.errorbar(eps, middle, [below, above], fmt="o", capsize=3, color=PALETTE[1], label="worst case (95 % interval)")
    ax.set(xlabel=LENGTHS[report.norm], ylabel="robust accuracy", ylim=(-0.02, 1.02))
    ax.set_xlim(left=0)
    ax.legend()
    return ax


@style()
def diagnosis(found: Diagnosis, *, ax: Axes | None = None) -> Axes:
    """Accuracy against the radius, by kind of perturbation, for the images classified correctly: with a sound gradient
    the iterated attack is the lowest curve, and reaches zero.
    """
    ax = axes_or_new(ax)
    for (name, accuracies), marker in zip(found.curves.items(), "os^", strict=False):
        ax.plot(found.radii, accuracies, marker=marker, markersize=4, label=name)
    ax.axvline(found.eps, color="grey", linewidth=1, linestyle=":", label=rf"$\varepsilon$ = {found.eps:.3g}")
    ax.set(xlabel=LENGTHS[found.norm], ylabel="accuracy", ylim=(-0.02, 1.02))
    ax.legend()
    return ax
