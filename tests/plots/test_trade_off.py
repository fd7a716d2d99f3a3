"""What robustness costs: every method has its dot, its interval and a name that covers no other."""

import itertools

import numpy as np
import pandas
import pytest
from matplotlib.text import Text

from advcourse.plots import trade_off

NAMES = ["standard", "random signs", "FGSM", "organic and FGSM", "fast", "free", "PGD", "TRADES", "MART", "AWP"]
TABLE = pandas.DataFrame(
    {
        "cost": [1, 1.05, 2, 2.6, 2.1, 1.1, 8, 9.2, 9.4, 9.3],
        "trusted": [0.03, 0.04, 0.55, 0.5, 0.62, 0.56, 0.66, 0.64, 0.65, 0.66],
        "accuracy": [0.87, 0.86, 0.8, 0.82, 0.79, 0.76, 0.78, 0.77, 0.75, 0.76],
        "trusted ±": 0.02,
    },
    index=NAMES,
)


def test_dots_stand_where_the_table_says_with_intervals_and_colours():
    ax = trade_off(TABLE)
    dots = ax.collections[-1]
    np.testing.assert_allclose(dots.get_offsets(), TABLE[["cost", "trusted"]])
    np.testing.assert_allclose(dots.get_array(), TABLE["accuracy"])
    bars = ax.collections[0].get_segments()
    np.testing.assert_allclose([bar[:, 1] for bar in bars], [[y - 0.02, y + 0.02] for y in TABLE["trusted"]])
    assert ax.get_xscale() == "log" and ax.get_xlabel() and ax.get_ylabel()
    assert sorted(text.get_text() for text in ax.texts) == sorted(NAMES)


def test_names_cover_no_dot_and_no_other_name():
    ax = trade_off(TABLE)
    renderer = ax.figure.canvas.get_renderer()
    ax.figure.canvas.draw()
    boxes = [Text.get_window_extent(text, renderer) for text in ax.texts]  # of the words, without their lines
    assert not [pair for pair in itertools.combinations(boxes, 2) if pair[0].overlaps(pair[1])]
    spots = ax.transData.transform(TABLE[["cost", "trusted"]].to_numpy(float))
    assert not [box for box in boxes for spot in spots if box.contains(*spot)]


def test_those_of_a_crowd_stand_in_the_order_of_their_dots_and_have_lines_to_them():
    texts = {text.get_text(): text for text in trade_off(TABLE).texts}
    crowd = sorted(("PGD", "TRADES", "MART", "AWP"), key=lambda name: -TABLE.loc[name, "trusted"])
    heights = [texts[name].xyann[1] for name in crowd]
    assert heights == sorted(heights, reverse=True) and len(set(heights)) == 4
    assert {name for name, text in texts.items() if text.arrow_patch} == set(crowd)
    for name in crowd:
        np.testing.assert_allclose(texts[name].xy, TABLE.loc[name, ["cost", "trusted"]].astype(float))


def test_without_intervals_and_by_other_columns():
    table = TABLE.drop(columns="trusted ±").rename(columns={"trusted": "held", "cost": "passes", "accuracy": "clean"})
    ax = trade_off(table, across="passes", up="held", colour="clean", labels=("passes", "held", "clean"))
    np.testing.assert_allclose(ax.collections[-1].get_offsets(), table[["passes", "held"]])
    assert ax.get_xlabel() == "passes"


def test_a_column_that_is_not_there_is_named():
    with pytest.raises(KeyError, match="robust"):
        trade_off(TABLE, up="robust")
