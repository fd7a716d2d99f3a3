"""What a budget buys: drawn as it was measured, with the control beside the attack."""

import numpy as np
import pytest
import torch
from matplotlib.colors import same_color

from advcourse import plots
from advcourse.evaluation import Report
from advcourse.evaluation._robustness_report import Level

from .test_plots import report


def labels_of(legend):
    return [text.get_text() for text in legend.get_texts()]


def measured() -> Report:
    """Four of five images attacked: three fooled, at 2, 4 and 100 levels and L2 distances of 2, 4 and 100."""
    found = report([True, True, True, True, False], [True, True, False, True, False], [4.0, 2.0, 9.0, 100.0, 0.0])
    found.linf_per_image, found.clean_accuracy = torch.tensor([4.0, 2.0, 9.0, 100.0, 0.0]) / 255, 0.8
    return found


def test_show_control_puts_the_control_below_the_attack():
    image = torch.full((3, 4, 4), 0.5)
    adversarial, control = image + 0.01, image.clone()
    control[:, ::2] -= 0.01
    figure = plots.show_control(image, adversarial, control, ("cup", "ball", "cup again"), eps=0.01)
    titles = [ax.get_title() for ax in figure.axes]
    assert [titles[i] for i in (0, 2, 3, 5)] == ["cup", "ball", "cup", "cup again"]
    assert titles[1].startswith("chosen by the attack, at most 2.55/255") and titles[4].startswith("random signs")
    drawn = [np.asarray(ax.images[0].get_array()) for ax in figure.axes]
    np.testing.assert_allclose(drawn[2], 0.51, atol=1e-6)
    np.testing.assert_allclose(drawn[1], 1.0, atol=1e-6)  # 0.5 + 50 · 0.01
    assert drawn[4].min() == pytest.approx(0.0, abs=1e-6) and drawn[4].max() == pytest.approx(0.5)


def test_show_budgets_marks_what_is_misread():
    images, digits = torch.rand(2, 3, 4, 4), torch.rand(2, 1, 5, 5)
    figure = plots.show_budgets([(images, ["a", "b"], [False, True]), (digits, ["c", "d"], [False, False])])
    assert [ax.get_title() for ax in figure.axes] == ["a", "b", "c", "d"]
    assert [same_color(ax.title.get_color(), plots.PALETTE[1]) for ax in figure.axes] == [False, True, False, False]
    with pytest.raises(ValueError, match="shorter"):
        plots.show_budgets([(images, ["a"], [False, True])])


def test_budget_curve_is_a_staircase_with_markers():
    ax = plots.budget_curve(measured(), {"fgsm": ([1 / 255, 8 / 255], [0.25, 0.5])}, name="ifgsm")
    x, y = ax.lines[0].get_data()
    np.testing.assert_allclose(x[:-1], [0, 2, 4], rtol=1e-6)
    np.testing.assert_allclose(y, [0, 0.25, 0.5, 0.5])  # the image at 100 levels lies beyond the axis
    np.testing.assert_allclose(ax.lines[1].get_data(), [[1, 8], [0.25, 0.5]])
    assert ax.lines[1].get_linestyle() == "None" and "levels of 255" in ax.get_xlabel()
    assert labels_of(ax.get_legend()) == ["ifgsm", "fgsm"]


def test_budget_curve_counts_in_the_unit_that_is_given():
    ax = plots.budget_curve(measured(), {}, name="ifgsm", unit=2 / 255, end=3)
    np.testing.assert_allclose(ax.lines[0].get_xdata()[:-1], [0, 1, 2], rtol=1e-6)
    assert ax.get_xlim() == (0, pytest.approx(3.06)) and "255" not in ax.get_xlabel()


def test_distance_curve_draws_noise_as_curves_and_single_runs_as_markers():
    noise, points = {"signs": ([1, 2], [0.8, 0.7])}, {"fgsm": ([1.5, 3], [0.4, 0.1])}
    ax = plots.distance_curve(noise, points, measured(), name="ifgsm")
    signs, fgsm, staircase, clean = ax.lines
    assert (signs.get_linestyle(), fgsm.get_linestyle()) == ("-", "None")
    np.testing.assert_allclose(fgsm.get_data(), [[1.5, 3], [0.4, 0.1]])
    np.testing.assert_allclose(staircase.get_data(), [[2, 2, 4, 100], [0.8, 0.6, 0.4, 0.2]], rtol=1e-6)
    assert set(clean.get_ydata()) == {0.8} and ax.get_xscale() == "log"
    assert labels_of(ax.get_legend()) == ["signs", "fgsm", "ifgsm", "clean images"]


def test_distance_curve_where_nothing_was_fooled():
    ax = plots.distance_curve({}, {}, report([True], [False], [1.0]), name="none")
    assert labels_of(ax.get_legend()) == ["clean images"]


def test_prediction_scatter_has_the_diagonal():
    ax = plots.prediction_scatter(torch.tensor([0.1, 0.01]), {"found": torch.tensor([0.1, 0.02])}, what="distance")
    across, up = ax.lines[0].get_data()
    np.testing.assert_allclose(across, up)
    assert across[0] < 0.01 and across[1] > 0.1
    np.testing.assert_allclose(ax.lines[1].get_data(), [[0.1, 0.01], [0.1, 0.02]], rtol=1e-6)
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("distance, predicted", "distance, measured")


def test_quantized_curve_has_a_line_at_every_half_level():
    ax = plots.quantized_curve([0.5, 1, 2.6], {"before": [0, 0.4, 0.8], "after": [0, 0.4, 0.9]})
    np.testing.assert_allclose(ax.lines[0].get_data(), [[0.5, 1, 2.6], [0, 0.4, 0.8]])
    assert [line.get_xdata()[0] for line in ax.lines[2:]] == [0.5, 1.5, 2.5]
    assert labels_of(ax.get_legend()) == ["before", "after"]


def test_robustness_curves_draw_each_mark_at_the_radius_of_its_report():
    class Measured:
        distance = None

        def __init__(self, norm, eps):
            self.norm, self.eps, self.levels = norm, eps, [Level.of(eps, torch.tensor([True, False]))]

    figure = plots.robustness_curves([Measured("linf", 0.3), Measured("l2", 2.0)], {"pgd": [0.9, 0.7]})
    marks = [[line for line in ax.lines if line.get_label() == "pgd"][0] for ax in figure.axes]
    assert [(*mark.get_xdata(), *mark.get_ydata()) for mark in marks] == [(0.3, 0.9), (2.0, 0.7)]
    assert [ax.get_title() for ax in figure.axes] == [r"linf, $\varepsilon$ = 0.3", r"l2, $\varepsilon$ = 2"]
    assert "pgd" in labels_of(figure.legends[0])
