"""Figures of runs on the ring: what is drawn is what the run holds."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from matplotlib.contour import ContourSet

from advcourse import plots
from advcourse.gan import play_ring
from advcourse.gan.metrics import Coverage
from tests.support.refusals import refused


@pytest.fixture(scope="module")
def run():
    """Three moments, the last of them said to cover five modes."""
    played = play_ring("WGAN-GP", steps=4, every=2, batch_size=16, width=8, depth=1, progress=False)
    coverage = Coverage(5, 8, 0.612, "planted", 2500, (306,) * 5 + (0,) * 3)
    return replace(played, snapshots=(*played.snapshots[:2], replace(played.snapshots[2], coverage=coverage)))


def dots(ax):
    """Real and made points of the axes."""
    return [each.get_offsets().data for each in ax.collections if not isinstance(each, ContourSet)]


def test_points_values_and_modes_of_the_last_moment(run):
    ax = plots.draw_ring(run)
    (contour,) = (each for each in ax.collections if isinstance(each, ContourSet))
    values = run.snapshots[-1].values
    assert contour.levels[0] == pytest.approx(values.min().item()) and len(contour.levels) == 13
    assert contour.levels[-1] == pytest.approx(values.max().item())
    real, made = dots(ax)
    np.testing.assert_allclose(real, run.real)
    np.testing.assert_allclose(made, run.snapshots[-1].points)
    assert ax.get_title() == "4 steps: modes covered: 5 of 8, 61 % good"
    assert ax.get_xlim() == ax.get_ylim() == (-3, 3) and ax.get_xlabel() == "$x_1$" and ax.get_ylabel() == "$x_2$"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["real", "made"]
    assert "critic's value" in ax.figure.axes[1].get_ylabel()


def test_another_moment_on_given_axes_without_a_scale(run):
    ax = plots.draw_ring(run).figure.add_subplot()
    before = len(ax.figure.axes)
    assert plots.draw_ring(run, ax, steps=2, colorbar=False) is ax and len(ax.figure.axes) == before
    np.testing.assert_allclose(dots(ax)[1], run.snapshots[1].points)
    assert ax.get_title().startswith("2 steps: ") and ax.get_legend() is None


def test_a_critic_of_one_value_is_drawn(run):
    flat = replace(run.snapshots[-1], values=torch.full_like(run.snapshots[-1].values, 0.7))
    ax = plots.draw_ring(replace(run, snapshots=(flat,)))
    ax.figure.canvas.draw()
    assert len(dots(ax)) == 2


def test_moments_side_by_side(run):
    figure = plots.show_ring(run)
    assert [ax.get_title().partition("\n")[0] for ax in figure.axes] == ["0 steps", "2 steps", "4 steps"]
    assert figure.axes[2].get_title().endswith("\n5 of 8, 61 % good")
    assert figure.get_suptitle() == "WGAN-GP, learning rate 0.001, k = 2" and len(figure.legends) == 1
    some = plots.show_ring(run, [4, 0, 4, 2, 0])
    shown = [ax for ax in some.axes if ax.axison]
    assert [ax.get_title()[0] for ax in shown] == ["4", "0", "4", "2", "0"] and len(some.axes) == 8
    for ax, moment in zip(shown[:2], (run.snapshots[2], run.snapshots[0]), strict=True):
        np.testing.assert_allclose(dots(ax)[1], moment.points)


def test_a_run_of_the_average_says_so():
    averaged = play_ring("GAN", steps=0, decay=0.9)
    assert plots.show_ring(averaged).get_suptitle().endswith(", average of the weights")


def test_modes_and_good_points_along_the_run(run):
    ax = plots.ring_curve(run)
    modes, good = ax.lines[0], ax.figure.axes[1].lines[0]
    assert modes.get_xdata().tolist() == good.get_xdata().tolist() == [0, 2, 4]
    assert modes.get_ydata().tolist() == [each.coverage.value for each in run.snapshots]
    assert good.get_ydata()[-1] == pytest.approx(61.2)
    assert ax.get_xlabel() and ax.get_ylabel() and ax.figure.axes[1].get_ylabel() == "good points (%)"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["modes", "good points"]


def test_titles_labels_and_legends_do_not_collide_at_700_pixels(run):
    figure = plots.show_ring(run, [0, 2, 4, 4])
    figure.canvas.draw()
    assert figure.bbox.width <= 700
    titles = [ax.title.get_window_extent() for ax in figure.axes]
    assert all(one.x1 < other.x0 for one, other in zip(titles, titles[1:], strict=False))
    assert all(title.y1 <= figure._suptitle.get_window_extent().y0 + 1 for title in titles)


@pytest.mark.parametrize(
    "draw, message",
    [
        (lambda run: plots.draw_ring("GAN"), "run is a str, expected what gan.play_ring returns"),
        (lambda run: plots.draw_ring(run, steps=3), "steps is 3, expected a moment of the run: 0, 2, 4"),
        (lambda run: plots.draw_ring(run, colorbar=1), "colorbar is 1, expected True or False"),
        (lambda run: plots.show_ring(run, []), "steps is empty, expected at least one moment"),
        (lambda run: plots.show_ring(None), "run is a NoneType, expected what gan.play_ring returns"),
        (lambda run: plots.ring_curve(None), "run is a NoneType, expected what gan.play_ring returns"),
    ],
)
def test_bad_input_is_refused(run, draw, message):
    with refused(message):
        draw(run)
