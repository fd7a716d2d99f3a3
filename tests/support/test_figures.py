"""Every kind of fault that a figure can have is found, alone and by its words; what is in order passes."""

import io
import re

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from advcourse import plots
from tests.support.figures import problems

matplotlib.use("Agg")
X = np.linspace(0, 1, 50)


@pytest.fixture(autouse=True)
def _styled():
    with plots.style():
        yield
    plt.close("all")


def drawn(*lines, **options):
    figure, ax = plt.subplots(**({"figsize": (5.5, 3.4)} | options))
    for k, line in enumerate(lines):
        ax.plot(X, line, label=f"line {k}")
    ax.set(xlabel="x", ylabel="y")
    return figure, ax


# -- faults


def crowded_ticks():
    _, ax = drawn(X)
    ax.set_xticks(np.linspace(0, 1, 31), [f"{t:.4f}" for t in np.linspace(0, 1, 31)])


def run_together_ticks():
    """They touch without a gap, so that one reads 0.50.6."""
    figure, ax = drawn(X)
    ax.set_xticks([0.5, 0.6], ["0.5000", "0.6000"])
    figure.draw_without_rendering()
    left, right = (label.get_window_extent() for label in ax.get_xticklabels())
    ax.set_xticks([0.5, 0.5 + 0.1 * left.width / (right.x0 - left.x0)], ["0.5000", "0.6000"])


def crowded_minor_ticks():
    _, ax = drawn(X)
    ax.set_yticks([0, 0.5, 1])
    ax.set_yticks([0.02, 0.52], ["a", "b"], minor=True)


def tick_labels_of_a_heat_map():
    _, ax = plt.subplots(figsize=(4, 3))
    ax.imshow(np.random.default_rng(0).random((5, 10)))
    ax.grid(False)
    ax.set_xticks(range(10), [f"a long name {k}" for k in range(10)])


def long_titles_of_neighbours():
    _, axes = plt.subplots(1, 3, figsize=(6, 2))
    for ax in axes:
        ax.set_title("adversarial: a class with a long name", fontsize=11)


def title_over_the_plot_above():
    figure, axes = plt.subplots(2, 1, figsize=(5, 4))
    figure.set_layout_engine("none")
    axes[1].set_title("far up", y=1.4)


def suptitle_over_the_plot():
    figure, _ = drawn(X)
    figure.set_layout_engine("none")
    figure.suptitle("everything that was done", y=0.6)


def label_over_a_neighbour():
    _, axes = plt.subplots(1, 2, figsize=(6, 2.5), layout="none")
    axes[1].set_ylabel("values of a long kind", labelpad=50)


def text_over_text():
    _, ax = drawn(X)
    ax.text(0.5, 0.3, "class 3")
    ax.text(0.52, 0.31, "class 5")


def notes_over_each_other():
    _, ax = drawn(X)
    for k, point in enumerate([(0.5, 0.5), (0.51, 0.5)]):
        ax.annotate(f"$x_{{{k}}}$", point, xytext=(4, 4), textcoords="offset points")


def text_over_tick_labels():
    _, ax = drawn(X)
    ax.text(0.4, -0.07, "a remark", transform=ax.transAxes)


def turned_labels_that_cross():
    _, ax = drawn(X)
    ax.text(0.5, 0.5, "one way along", rotation=45, ha="center", va="center")
    ax.text(0.5, 0.5, "the other way", rotation=-45, ha="center", va="center")


def labels_of_twin_axes():
    _, ax = drawn(X)
    twin = ax.twinx()
    twin.set_ylabel("share")
    twin.yaxis.tick_left()
    twin.yaxis.set_label_position("left")


def colour_bar_ticks():
    figure, ax = plt.subplots(figsize=(4, 3))
    bar = figure.colorbar(ax.imshow(np.eye(4)), ax=ax)
    bar.set_ticks([0.5, 0.505])
    ax.grid(False)


def clipped_text():
    _, ax = drawn(X)
    ax.text(0.99, 0.5, "a name that the edge cuts", clip_on=True)


def text_beyond_the_canvas():
    figure, _ = drawn(X)
    figure.text(0.9, 0.5, "a long remark at the edge").set_in_layout(False)


def note_that_is_not_drawn():
    _, ax = drawn(X)
    ax.set_xlim(0, 0.5)
    ax.annotate("the best", (0.9, 0.9), xytext=(5, 5), textcoords="offset points")


def legend_over_a_line():
    _, ax = drawn(X, 1 - X)
    ax.legend(loc="center")


def legend_over_a_segment():
    """No point of the line lies under the legend; the line between two does."""
    _, ax = plt.subplots()
    ax.plot([0, 1], [0, 1], label="line")
    ax.legend(loc="center")


def legend_over_steps():
    _, ax = plt.subplots()
    ax.plot([0, 1], [0, 1], drawstyle="steps-post", label="a long name of a curve")
    ax.legend(loc="lower right")


def legend_over_markers():
    _, ax = plt.subplots()
    ax.plot([0, 0.5, 1], [0, 0.5, 1], "o", label="points")
    ax.legend(loc="center")


def legend_over_a_scatter():
    _, ax = plt.subplots()
    ax.scatter(X, X, label="points")
    ax.legend(loc="center")


def legend_over_bars():
    _, ax = plt.subplots()
    ax.bar(range(4), [1, 3, 3, 1], label="counts")
    ax.legend(loc="center")


def legend_over_a_band():
    _, ax = plt.subplots()
    ax.fill_between(X, 0, 1, label="band")
    ax.legend(loc="center")


def legend_over_an_image():
    _, ax = plt.subplots()
    ax.imshow(np.eye(8))
    ax.grid(False)
    ax.plot([0, 1], [7, 7], label="edge")
    ax.legend(loc="upper right")


def legend_over_contours():
    _, ax = plt.subplots()
    ax.contourf(np.add.outer(X, X))
    ax.plot([0, 1], [0, 1], label="path")
    ax.legend(loc="upper right")


def legend_over_a_mesh():
    _, ax = plt.subplots()
    ax.pcolormesh(np.eye(5))
    ax.plot([0, 1], [0, 1], label="path")
    ax.legend(loc="upper right")


def legend_over_arrows():
    _, ax = plt.subplots()
    ax.quiver([0.0, 0.9], [0.0, 0.9], [0.1, 0.1], [0.1, 0.1], angles="xy", scale_units="xy", scale=1, label="field")
    ax.set(xlim=(0, 1), ylim=(0, 1))
    ax.legend(loc="upper right")


def legend_over_the_line_of_a_twin():
    _, ax = drawn(0 * X)
    ax.set_ylim(-1, 10)
    ax.legend(loc="upper right")
    ax.twinx().plot(X, X)


def legend_over_an_error_bar():
    _, ax = plt.subplots()
    ax.errorbar([0, 1, 2], [0, 0, 0], yerr=[1, 9, 1], label="mean")
    ax.legend(loc="upper center")


def legend_of_the_figure_over_a_line():
    figure, _ = drawn(X, 1 - X)
    figure.legend(loc="center")


def legend_over_a_title():
    _, ax = drawn(X)
    ax.set_title("the whole of the title of this figure")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0))


def two_legends():
    _, ax = drawn(X)
    ax.set_ylim(-3, 1)
    ax.add_artist(ax.legend(loc="lower right"))
    ax.legend(["another"], loc="lower right")


def letters_too_small():
    _, axes = plt.subplots(1, 4, figsize=(14, 3))
    axes[0].set_title("a small title", fontsize=7)


def grid_over_bars():
    _, ax = plt.subplots()
    ax.set_axisbelow("line")
    ax.bar(range(4), [1, 3, 3, 1])


def grid_over_an_image():
    _, ax = plt.subplots()
    ax.set_axisbelow("line")
    ax.imshow(np.eye(4))


def grid_over_dots():
    _, ax = plt.subplots()
    ax.set_axisbelow(False)
    ax.scatter(X, X)


def ticks_of_three_dimensions():
    figure = plt.figure()
    ax = figure.add_subplot(projection="3d")
    ax.plot(X, X, X)
    ax.set_xticks(X, [f"{x:.3f}" for x in X])


FAULTS = {
    crowded_ticks: "tick labels",
    run_together_ticks: "tick labels",
    crowded_minor_ticks: "tick labels",
    tick_labels_of_a_heat_map: "tick labels",
    long_titles_of_neighbours: "title .* and title .* overlap",
    title_over_the_plot_above: "title 'far up' lies over another plot",
    suptitle_over_the_plot: "the figure's title .* lies over another plot",
    label_over_a_neighbour: "label 'values.* lies over another plot",
    text_over_text: "text 'class 3' and text 'class 5' overlap",
    notes_over_each_other: "overlap",
    text_over_tick_labels: "text 'a remark'.* overlap|tick label .*text 'a remark'",
    turned_labels_that_cross: "text 'one way along' and text 'the other way' overlap",
    labels_of_twin_axes: "label 'y' and label 'share' overlap|tick label",
    colour_bar_ticks: "tick labels",
    clipped_text: "text 'a name that the edge cuts' is cut off",
    text_beyond_the_canvas: "text 'a long remark at the edge' is cut off",
    note_that_is_not_drawn: "text 'the best' is not drawn",
    legend_over_a_line: "the legend 'line 0', 'line 1' lies over a line 'line 0'",
    legend_over_a_segment: "lies over a line 'line'",
    legend_over_steps: "lies over a line",
    legend_over_markers: "lies over a line 'points'",
    legend_over_a_scatter: "lies over data .PathCollection. 'points'",
    legend_over_bars: "lies over data .Rectangle.",
    legend_over_a_band: "lies over data .FillBetween|lies over data .PolyCollection",
    legend_over_an_image: "lies over an image",
    legend_over_contours: "lies over data .QuadContourSet",
    legend_over_a_mesh: "lies over data .QuadMesh",
    legend_over_arrows: "lies over data .Quiver",
    legend_over_the_line_of_a_twin: "lies over a line",
    legend_over_an_error_bar: "lies over",
    legend_of_the_figure_over_a_line: "lies over a line 'line 0'",
    legend_over_a_title: "lies over title",
    two_legends: "two legends overlap",
    letters_too_small: "too small to read: title 'a small title'",
    grid_over_bars: "the grid lies over data .Rectangle",
    grid_over_an_image: "the grid lies over data .AxesImage",
    grid_over_dots: "the grid lies over data .PathCollection",
    ticks_of_three_dimensions: "tick labels",
}


@pytest.mark.parametrize("draw", FAULTS, ids=lambda draw: draw.__name__)
def test_a_fault_is_found(draw):
    draw()
    found = problems(plt.gcf())
    assert found and all(re.search(FAULTS[draw], fault) for fault in found)


# -- figures in order


def lines_with_a_legend():
    _, ax = drawn(X**2, X**3)
    ax.legend()


def lines_with_a_legend_beside():
    _, ax = drawn(X, 1 - X)
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))


def legend_outside_of_the_figure():
    figure, ax = drawn(X, 1 - X)
    ax.set_title("two lines")
    figure.legend(loc="outside upper center", ncols=2)


def images_with_titles():
    figure, axes = plt.subplots(2, 4, figsize=(7, 4))
    for k, ax in enumerate(axes.flat):
        ax.imshow(np.eye(8))
        ax.set_title(f"image {k}\n7 → 3", fontsize=9)
        ax.axis("off")
    figure.suptitle("digits and what the network reads")


def twin_axes_with_labels():
    _, ax = drawn(X)
    twin = ax.twinx()
    twin.plot(X, 1 - X)
    twin.set_ylabel("share")


def a_colour_bar_with_a_label():
    figure, ax = plt.subplots()
    figure.colorbar(ax.contourf(np.add.outer(X, X)), ax=ax, label="cross-entropy loss")
    ax.set(xlabel="along", ylabel="across")


def an_inset():
    _, ax = drawn(X)
    ax.inset_axes((0.1, 0.6, 0.3, 0.3)).plot(X, X)


def turned_tick_labels():
    """Their upright boxes overlap, they do not."""
    _, ax = plt.subplots(figsize=(5, 3))
    ax.bar(range(8), range(8))
    ax.set_xticks(range(8), [f"a name {k}" for k in range(8)], rotation=45, ha="right", rotation_mode="anchor")


def a_note_beside_its_point():
    _, ax = drawn(X)
    ax.annotate("the middle", (0.5, 0.5), xytext=(0.6, 0.2), arrowprops={"arrowstyle": "->"})


def words_in_an_image():
    _, ax = plt.subplots(figsize=(3, 3))
    ax.imshow(np.eye(3))
    ax.grid(False)
    for i in range(9):
        ax.text(i % 3, i // 3, f"{i / 9:.2f}", ha="center", va="center", color="white")


def a_logarithmic_axis():
    _, ax = drawn(X**2 + 1e-6)
    ax.set_yscale("log")


def subfigures_with_titles():
    figure = plt.figure(figsize=(8, 3))
    for part, name in zip(figure.subfigures(1, 2), ("left", "right"), strict=True):
        part.suptitle(name)
        part.subplots(1, 2)


def legend_where_the_data_are_not():
    """Its frame's corner lies in the box around the line, not on the line; a line that is not seen is under it."""
    _, ax = drawn(X**4)
    ax.plot([0, 0.2], [0.9, 0.9], visible=False)
    ax.plot([], [], label="nothing")
    ax.legend(loc="upper left")


def a_band_with_a_legend_below():
    _, ax = plt.subplots()
    ax.fill_between(X, 2 + X, 3 + X, label="band")
    ax.set_ylim(0, 4)
    ax.legend(loc="lower right")


def a_tinted_background():
    _, ax = drawn(X)
    ax.axvspan(0, 0.5, zorder=0, color="#eeeeee")
    ax.legend(loc="upper left")


def bars_without_a_grid():
    _, ax = plt.subplots()
    ax.set_axisbelow("line")
    ax.grid(False)
    ax.bar(range(4), [1, 3, 3, 1])


def bars_with_a_grid_below():
    _, ax = plt.subplots()
    ax.bar(range(4), [1, 3, 3, 1])
    ax.contourf(np.add.outer(X, X))


def hidden_texts():
    _, ax = drawn(X)
    for shown in ({"visible": False}, {"alpha": 0}):
        ax.text(0.5, 0.5, "a remark", **shown)
    ax.text(0.5, 0.5, "a remark")


def three_dimensions():
    figure = plt.figure(figsize=(5, 4))
    ax = figure.add_subplot(projection="3d")
    ax.plot(X, X**2, X)
    ax.set(xlabel="x", ylabel="y", zlabel="z", xticks=[0, 1], yticks=[0, 1], zticks=[0, 1])
    ax.legend(["a curve"], loc="upper left")


def a_polar_curve():
    _, ax = plt.subplots(subplot_kw={"projection": "polar"}, figsize=(4, 4))
    ax.plot(6 * X, X)


RIGHT = [
    lines_with_a_legend,
    lines_with_a_legend_beside,
    legend_outside_of_the_figure,
    images_with_titles,
    twin_axes_with_labels,
    a_colour_bar_with_a_label,
    an_inset,
    turned_tick_labels,
    a_note_beside_its_point,
    words_in_an_image,
    a_logarithmic_axis,
    subfigures_with_titles,
    legend_where_the_data_are_not,
    a_band_with_a_legend_below,
    a_tinted_background,
    bars_without_a_grid,
    bars_with_a_grid_below,
    hidden_texts,
    three_dimensions,
    a_polar_curve,
]


@pytest.mark.parametrize("draw", RIGHT, ids=lambda draw: draw.__name__)
def test_a_figure_in_order_passes(draw):
    draw()
    assert problems(plt.gcf()) == []


# -- the page


def wide():
    """A figure of 1260 pixels with letters of ten points."""
    figure, axes = plt.subplots(1, 5, figsize=(14, 2.5), dpi=90)
    axes[0].set_title("a title of seven points", fontsize=7)
    return figure


def test_the_width_of_the_page_decides():
    assert problems(wide(), width=1400) == []
    (small,) = problems(wide(), width=700)
    assert "too small" in small


def test_the_resolution_at_which_it_is_saved_decides():
    figure, ax = drawn(X)
    ax.set_title("title", fontsize=8)
    assert problems(figure, dpi=72) == [] and "too small" in problems(figure, dpi=40)[0]


def test_what_is_not_cut_to_its_content_can_lose_a_legend_at_its_edge():
    figure, _ = drawn(X)
    figure.text(0.9, 0.5, "a long remark at the edge")
    assert problems(figure) == [] and problems(figure, tight=False) == ["text 'a long remark at the edge' is cut off"]


def test_a_wide_figure_that_is_not_cut_is_measured_at_the_width_of_the_page():
    figure, _ = plt.subplots(1, 4, figsize=(10, 2.5))
    figure.suptitle("a title near the upper edge")
    assert problems(figure, tight=False) == []


def test_pixels_that_were_drawn_stay():
    figure, _ = drawn(X)
    FigureCanvasAgg(figure).draw()
    pixels = figure.canvas.buffer_rgba()
    before = bytes(pixels)
    assert problems(figure, tight=False) == []
    assert bytes(pixels) == before == bytes(figure.canvas.buffer_rgba())


def test_a_figure_is_left_as_it_was():
    def picture(figure):
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", bbox_inches="tight")
        return buffer.getvalue()

    figure = wide()
    before, draw, interactive = picture(figure), Text.draw, matplotlib.is_interactive()
    assert problems(figure)
    assert (figure.dpi, Text.draw, matplotlib.is_interactive()) == (90, draw, interactive)
    assert picture(figure) == before
