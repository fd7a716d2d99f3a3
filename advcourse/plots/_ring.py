"""Runs on the ring of eight: points and critic at a moment, several moments side by side, modes along the run."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.ticker import MaxNLocator

from advcourse.core.validation import check_flag
from advcourse.gan import RingRun, RingSnapshot
from advcourse.plots._styling import PALETTE, array, axes_or_new, style

_SHADES = LinearSegmentedColormap.from_list("critic", ["#8f8f8f", "#ffffff"])


@style()
def draw_ring(run: RingRun, ax: Axes | None = None, *, steps: int | None = None, colorbar: bool = True) -> Axes:
    """Real and made points on the critic's values, light where it takes points for real; how many modes are covered.

    Args:
        run: of ``gan.play_ring``.
        ax: where to draw.
        steps: the moment, one of the run's snapshots; the last where not given.
        colorbar: with the scale of the values, which differs from one critic and moment to another.

    Raises:
        ValueError: for bad input; the message names the argument.
    """
    moment = _moment(run, steps)
    check_flag(colorbar=colorbar)
    ax = axes_or_new(ax, 4.6, 4.0)
    values, axis, reach = array(moment.values), array(run.axis), float(run.axis[-1])
    low, high = float(values.min()), float(values.max())
    if high - low <= 1e-6 * max(abs(low), abs(high)):  # a critic of one value
        low, high = low - 0.5, high + 0.5
    shaded = ax.contourf(axis, axis, values, levels=np.linspace(low, high, 13).tolist(), cmap=_SHADES)
    real, made = array(run.real), array(moment.points)
    ax.scatter(real[:, 0], real[:, 1], s=14, color=PALETTE[0], marker="+", linewidth=0.8, zorder=3, label="real")
    ax.scatter(made[:, 0], made[:, 1], s=5, color=PALETTE[1], alpha=0.35, linewidth=0, label="made")
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", xlabel="$x_1$", ylabel="$x_2$")
    ax.set_title(f"{moment.steps} steps: {_covered(moment)}", fontsize=9)
    ax.grid(False)
    if colorbar:
        bar = ax.figure.colorbar(shaded, ax=ax, shrink=0.8, label="the critic's value $D(x)$")
        bar.locator = MaxNLocator(5)
        bar.update_ticks()
        _opaque(ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2, markerscale=1.6))
    return ax


@style()
def show_ring(run: RingRun, steps: Sequence[int] | None = None) -> Figure:
    """Several moments of a run side by side, four to a row, each as by ``draw_ring``.

    Args:
        run: of ``gan.play_ring``.
        steps: the moments, each one of the run's snapshots; four spread over the run where not given.

    Raises:
        ValueError: for bad input; the message names the argument.
    """
    _check_run(run)
    if steps is None:
        places = np.linspace(0, len(run.snapshots) - 1, min(4, len(run.snapshots))).round().astype(int)
        steps = [run.snapshots[place].steps for place in places]
    if not steps:
        raise ValueError("steps is empty, expected at least one moment of the run")
    columns = min(4, len(steps))
    rows = -(-len(steps) // columns)
    size = (1.85 * max(columns, 2), 2.15 * rows + 0.35)
    figure, grid = plt.subplots(rows, columns, figsize=size, squeeze=False, sharex=True, sharey=True)
    for at, ax in enumerate(grid.flat):
        if at >= len(steps):
            ax.axis("off")
            continue
        draw_ring(run, ax, steps=steps[at], colorbar=False)
        moment = _moment(run, steps[at])
        ax.set_title(
            f"{moment.steps} steps\n{moment.coverage.value} of 8, {100 * moment.coverage.good:.0f} % good", fontsize=9
        )
        ax.set(xticks=(-2, 0, 2), yticks=(-2, 0, 2))
        ax.label_outer()
    handles, names = grid[0, 0].get_legend_handles_labels()
    _opaque(figure.legend(handles, names, loc="outside lower center", ncols=2, markerscale=1.6))
    figure.suptitle(_title(run), fontsize=10)
    return figure


@style()
def ring_curve(run: RingRun, ax: Axes | None = None) -> Axes:
    """Modes covered, and the share of good points, against the steps of a run.

    Args:
        run: of ``gan.play_ring``.
        ax: where to draw; the share has an axis of its own at the right.
    """
    _check_run(run)
    ax = axes_or_new(ax, 4.0, 3.2)
    steps = [moment.steps for moment in run.snapshots]
    few = len(steps) < 30
    modes = [moment.coverage.value for moment in run.snapshots]
    lines = ax.plot(steps, modes, marker="o" if few else None, markersize=4, label="modes")
    share = ax.twinx()
    good = [100 * moment.coverage.good for moment in run.snapshots]
    marker = "s" if few else None
    lines += share.plot(steps, good, "--", color=PALETTE[1], marker=marker, markersize=3, label="good points")
    ax.set(xlabel="steps of the critic", ylabel="modes covered, of 8", ylim=(-0.3, 8.3), yticks=range(0, 9, 2))
    ax.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    share.set(ylabel="good points (%)", ylim=(-3.75, 103.75), yticks=range(0, 101, 25))
    share.spines["right"].set_visible(True)
    share.grid(False)
    ax.legend(handles=lines, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return ax


def _opaque(legend: Legend) -> None:
    for handle in legend.legend_handles:
        if handle is not None:
            handle.set_alpha(1)


def _check_run(run: object) -> None:
    if not isinstance(run, RingRun):
        raise ValueError(f"run is a {type(run).__name__}, expected what gan.play_ring returns")


def _moment(run: RingRun, steps: int | None) -> RingSnapshot:
    _check_run(run)
    moments = {moment.steps: moment for moment in run.snapshots}
    if steps is None:
        return run.snapshots[-1]
    if steps not in moments:
        raise ValueError(f"steps is {steps!r}, expected a moment of the run: {', '.join(map(str, moments))}")
    return moments[steps]


def _covered(moment: RingSnapshot) -> str:
    """As in "modes covered: 5 of 8, 61 % good"."""
    return f"modes covered: {moment.coverage.value} of {moment.coverage.of}, {100 * moment.coverage.good:.0f} % good"


def _title(run: RingRun) -> str:
    shown = ", average of the weights" if run.average else ""
    return f"{run.name}, learning rate {run.learning_rate:g}, k = {run.critic_steps}{shown}"
