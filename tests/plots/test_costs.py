"""Costs and constants: every run is drawn where it is, and no tick label covers another."""

import itertools
import math

import numpy as np
import pytest

from advcourse import plots

RUNS = {"FGSM": [(62, 4.05)], "DDN": [(21, 1.27), (61, 1.18), (201, 1.13)], "none": [(50, math.inf)]}


def test_runs_are_markers_that_grow_along_their_line():
    ax = plots.cost_curve(RUNS)
    first, second = ax.collections
    np.testing.assert_allclose(first.get_offsets(), RUNS["FGSM"])
    np.testing.assert_allclose(second.get_offsets(), RUNS["DDN"])
    assert (np.diff(second.get_sizes()) > 0).all()
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["FGSM", "DDN"]
    assert ax.get_xscale() == ax.get_yscale() == "log" and ax.get_xlabel() and ax.get_ylabel()


@pytest.mark.parametrize("scale", [1, 0.88, 0.1, 30])
def test_tick_labels_are_plain_numbers_that_do_not_collide_and_the_legend_covers_no_marker(scale):
    ax = plots.cost_curve({name: [(10 * c * scale, v * scale) for c, v in runs] for name, runs in RUNS.items()})
    ax.figure.canvas.draw()
    for axis in (ax.xaxis, ax.yaxis):
        low, high = sorted(axis.get_view_interval())
        shown = [t for t, place in zip(axis.get_ticklabels(), axis.get_ticklocs(), strict=True) if low <= place <= high]
        assert len(shown) >= 3 and all(text.get_text() for text in shown)
        boxes = [text.get_window_extent() for text in shown]
        assert not [pair for pair in itertools.combinations(boxes, 2) if pair[0].overlaps(pair[1])]
    legend = ax.get_legend().get_window_extent()
    spots = [spot for dots in ax.collections for spot in ax.transData.transform(dots.get_offsets())]
    assert not [spot for spot in spots if legend.contains(*spot)] and legend.x1 <= ax.figure.bbox.width


@pytest.mark.parametrize(
    "runs", [{}, {"a": [(1, math.inf)]}, {"a": [(0, 1.0)]}, {"a": [(1, -1.0)]}, {"a": [(1, math.nan)]}]
)
def test_runs_that_cannot_be_drawn_are_refused(runs):
    with pytest.raises(ValueError, match="runs.*expected"):
        plots.cost_curve(runs)


SWEPT = [(0.01, math.inf), (0.1, math.inf), (1.0, 1.1), (10.0, 1.5)]
SEARCHED = [(0.01, math.inf), (0.1, math.inf), (1.0, 1.1), (0.55, 1.2)]


def test_a_search_is_drawn_below_the_sweep_in_its_order():
    above, below = plots.constant_search(SWEPT, SEARCHED).axes
    assert above.lines[0].get_xydata().tolist() == [[1.0, 1.1], [10.0, 1.5]]
    looks = {line.get_label(): line.get_xydata().tolist() for line in below.lines}
    assert looks["success"] == [[1.0, 3], [0.55, 4]] and looks["no success"] == [[0.01, 1], [0.1, 2]]
    assert below.lines[-1].get_xydata().tolist() == [[0.01, 1], [0.1, 2], [1.0, 3], [0.55, 4]]
    assert below.get_ylim()[0] > below.get_ylim()[1] and below.get_xlabel() == "constant $c$"
    assert above.get_ylim()[0] == 0 and above.patches[0].get_x() + above.patches[0].get_width() == 0.1


def test_a_sweep_without_success_is_drawn():
    above, below = plots.constant_search(SWEPT[:2], SEARCHED[:2]).axes
    assert not above.lines and [line.get_label() for line in below.lines][:1] == ["no success"]


def test_both_axes_of_costs_have_labelled_ticks_in_sight():
    """With one alone, no length can be read off."""
    ax = plots.cost_curve({"a": [(20, 1.25), (200, 1.2)], "b": [(35, 3.0), (300, 4.4)]})
    for ticks, (low, high) in ((ax.get_xticks(), ax.get_xlim()), (ax.get_yticks(), ax.get_ylim())):
        assert sum(low <= tick <= high for tick in ticks) >= 3
