"""Signed maps, and estimates with intervals."""

import torch
from matplotlib.colors import to_rgb

from advcourse import plots


def test_maps_are_blue_below_zero_white_at_it_and_red_above():
    maps = torch.tensor([[[-2.0, 0.0, 1.0]], [[0.0, 0.0, 0.0]], [[-0.01, 0.0, 0.0]]])
    figure = plots.show_maps(maps, ["a", "b", "c"], columns=2, rows=["one", "two"])
    panels = figure.axes
    assert [panel.get_title() for panel in panels] == ["a", "b", "c", ""] and not panels[3].get_visible()
    assert [panels[0].get_ylabel(), panels[2].get_ylabel()] == ["one", "two"]
    below, none, above = panels[0].images[0].to_rgba([[-2.0, 0.0, 0.5]])[0]
    assert below[2] > 2 * below[0] and above[0] > above[2] and none[:3].min() > 0.95
    shown = [panel.images[0].get_array().tolist() for panel in panels[:3]]
    assert shown == [[[-1, 0, 0.5]], [[0, 0, 0]], [[-1, 0, 0]]]


def test_intervals_stand_below_each_other_beside_the_numbers_without_one():
    intervals = {"a": (1.0, 0.5, 2.0), "b": (-1.0, -1.5, -0.5)}
    ax = plots.interval_chart(intervals, {"b": 0.25, "z": 9.0}, xlabel="points", label="here", other="there")
    assert [text.get_text() for text in ax.get_yticklabels()] == ["a", "b"]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first at the top
    bars = ax.containers[0]
    assert bars[0].get_xydata().tolist() == [[1, 0], [-1, 1]]
    assert [segment[:, 0].tolist() for segment in bars[2][0].get_segments()] == [[0.5, 2.0], [-1.5, -0.5]]
    diamonds = next(line for line in ax.lines if line.get_marker() == "D")
    assert diamonds.get_xydata().tolist() == [[0.25, 1]] and to_rgb(diamonds.get_color()) == to_rgb(plots.PALETTE[1])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["there", "here"]
    alone = plots.interval_chart(intervals, xlabel="points", label="here")
    assert [text.get_text() for text in alone.get_legend().get_texts()] == ["here"]
