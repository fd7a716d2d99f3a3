"""Bars of shares and of counts."""

import pytest
from matplotlib.colors import to_hex

from advcourse import plots


def test_shares_are_as_long_as_they_are_in_their_order_and_say_so():
    ax = plots.share_bars({"random signs": 0.125, "attack": 1.0}, "share fooled", controls=["random signs"])
    noise, attack = ax.patches
    assert [bar.get_width() for bar in ax.patches] == [0.125, 1.0]
    assert [text.get_text() for text in ax.texts] == ["12%", "100%"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["random signs", "attack"] and ax.yaxis_inverted()
    assert noise.get_hatch() and not attack.get_hatch()
    assert to_hex(noise.get_facecolor()) != to_hex(attack.get_facecolor())
    assert ax.get_xlabel() == "share fooled" and max(ax.get_xticks()) == 1


def test_the_grid_runs_behind_the_bars():
    ax = plots.share_bars({"a": 0.5}, "share")
    assert ax.get_axisbelow() is True


def test_shares_are_refused_outside_their_range_and_controls_that_are_not_there():
    for share in (-0.1, 1.1):
        with pytest.raises(ValueError, match="expected"):
            plots.share_bars({"a": share}, "share")
    with pytest.raises(ValueError, match=r"controls holds \['b'\]"):
        plots.share_bars({"a": 0.5}, "share", controls=["b"])


def test_counts_stand_side_by_side_and_only_later_series_are_hatched():
    ax = plots.count_bars(["cat", "a name too long"], {"label": [3, 4], "prediction": [0, 7]}, "class", "images")
    first, second, third, fourth = ax.patches
    assert [bar.get_height() for bar in ax.patches] == [3, 4, 0, 7]
    assert first.get_x() + first.get_width() == pytest.approx(third.get_x())
    assert (second.get_x() + fourth.get_x() + fourth.get_width()) / 2 == pytest.approx(1)
    assert not first.get_hatch() and third.get_hatch()
    assert [label.get_text() for label in ax.get_xticklabels()] == ["cat", "a name too …"]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["label", "prediction"]
    with pytest.raises(ValueError, match=r"counts\['label'\] has 1 values, expected 2"):
        plots.count_bars(["a", "b"], {"label": [1]}, "class", "images")
