"""What is drawn equals what was measured, and every axis is labelled."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from torch import nn

from advcourse import plots
from advcourse.attacks import fgsm
from advcourse.evaluation import Report, evaluate


def report(attacked, success, distances):
    """A report of which the curves read the masks and the per-image distances alone."""
    distances = torch.tensor(distances)
    return Report(
        *[0.0] * 9,
        adversarial=torch.zeros(len(distances), 1, 2, 2),
        attacked=torch.tensor(attacked),
        success=torch.tensor(success),
        l2_per_image=distances,
        normalized_l2_per_image=distances / 10,
        linf_per_image=distances / 100,
    )


class Linear(nn.Module):
    """Logits (-z, z) with z the sum of the weighted pixels: its loss along a line is known."""

    def __init__(self, weight):
        super().__init__()
        self.weight = nn.Parameter(weight)

    def forward(self, images):
        z = (images * self.weight).sum((1, 2, 3))
        return torch.stack([-z, z], 1)


def test_success_curve_counts_attacked_images_alone():
    measured = report([True, True, True, True, False], [True, False, True, True, False], [3.0, 9.0, 1.0, 2.0, 0.0])
    ax = plots.success_curve({"attack": measured}, metric="l2")
    x, y = ax.lines[0].get_data()
    np.testing.assert_allclose(x[:-1], [0, 1, 2, 3])
    np.testing.assert_allclose(y, [0, 0.25, 0.5, 0.75, 0.75])
    assert x[-1] > 3 and ax.get_ylabel() == "success rate" and "L_2" in ax.get_xlabel()
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["attack"]


def test_success_curve_reads_the_metric_asked_for():
    measured = {"a": report([True], [True], [4.0])}
    assert plots.success_curve(measured).lines[0].get_xdata()[1] == pytest.approx(0.4)
    assert plots.success_curve(measured, metric="linf").lines[0].get_xdata()[1] == pytest.approx(0.04)
    with pytest.raises(ValueError, match="normalized_l2, l2, linf"):
        plots.success_curve(measured, metric="l1")


def test_success_curve_where_nothing_was_fooled_or_attacked():
    ax = plots.success_curve({"none": report([True], [False], [1.0]), "nobody": report([False], [False], [0.0])})
    for line in ax.lines:
        assert set(line.get_ydata()) == {0.0}


def test_success_curve_ends_at_the_success_rate_of_a_real_report():
    torch.manual_seed(0)
    model, images = Linear(torch.randn(1, 4, 4)), torch.rand(30, 1, 4, 4)
    labels = model(images).argmax(1)
    measured = evaluate(model, lambda *given: fgsm(*given, eps=0.2), images, labels)
    assert 0 < measured.success_rate < 1
    ax = plots.success_curve({"fgsm": measured})
    assert ax.lines[0].get_ydata()[-1] == pytest.approx(measured.success_rate)


def test_accuracy_curve_draws_each_named_curve():
    ax = plots.accuracy_curve({"noise": ([0, 1, 2], [1, 0.9, 0.8]), "fgsm": ([0, 1], [1, 0.1])}, xlabel="eps")
    np.testing.assert_allclose(ax.lines[0].get_data(), [[0, 1, 2], [1, 0.9, 0.8]])
    np.testing.assert_allclose(ax.lines[1].get_data(), [[0, 1], [1, 0.1]])
    assert ax.get_xlabel() == "eps" and ax.get_ylabel() == "accuracy"
    styles = {(line.get_color(), line.get_linestyle(), line.get_marker()) for line in ax.lines}
    assert len(styles) == 2


def test_loss_along_is_the_closed_form_of_a_linear_model():
    torch.manual_seed(0)
    weight = torch.randn(1, 3, 3)
    model, image = Linear(weight), torch.rand(1, 3, 3)
    ax = plots.loss_along(model, image, 1, {"gradient": 7 * weight}, radius=2.0, points=9)
    t, loss = ax.lines[0].get_data()
    np.testing.assert_allclose(t, np.linspace(-2, 2, 9), atol=1e-6)
    z = (image * weight).sum().item() + t * weight.norm().item()
    np.testing.assert_allclose(loss, np.log1p(np.exp(-2 * z)), rtol=1e-4, atol=1e-5)
    assert "L_2" in ax.get_xlabel() and ax.get_ylabel() == "cross-entropy loss"
    gap = plots.loss_along(model, image, 1, {"gradient": weight}, radius=2.0, points=9, loss="margin").lines[0]
    np.testing.assert_allclose(gap.get_ydata(), -2 * z, rtol=1e-4, atol=1e-5)


def test_loss_landscape_marks_the_decision_boundary():
    weight = torch.zeros(1, 2, 2)
    weight[0, 0, 0] = 1.0
    image = torch.full((1, 2, 2), 0.5)
    across = torch.tensor([[[1.0, 1.0], [0.0, 0.0]]])  # not orthogonal to the first: its part along it is removed
    ax = plots.loss_landscape(Linear(weight), image, 1, weight, across, radius=1.0, points=9, names=("g", "r"))
    assert ax.get_xlabel() == "$L_2$ along g" and ax.get_ylabel() == "$L_2$ along r"
    boundary = ax.collections[-1].get_paths()[0].vertices
    np.testing.assert_allclose(boundary[:, 0], -0.5, atol=1e-6)
    assert boundary[:, 1].min() == pytest.approx(-1) and boundary[:, 1].max() == pytest.approx(1)
    assert ax.figure.axes[-1].get_ylabel() == "cross-entropy loss"


@pytest.mark.parametrize("largest, factor", [(0.5, 1), (0.3, 1), (0.25, 2), (4 / 255, 20), (1e-4, 5000), (1e-9, 5000)])
def test_magnify_uses_the_largest_round_factor_that_fits(largest, factor):
    delta = torch.tensor([-largest, 0.0, largest / 2]).view(1, 1, 3)
    visible, used = plots.magnify(delta)
    assert used == factor
    torch.testing.assert_close(visible, 0.5 + factor * delta)
    assert visible.min() >= 0 and visible.max() <= 1


def test_magnify_of_nothing_is_grey():
    visible, factor = plots.magnify(torch.zeros(3, 2, 2))
    assert factor == 1 and torch.all(visible == 0.5)


def test_show_attack_states_the_factor():
    image = torch.full((3, 4, 4), 0.5)
    figure = plots.show_attack(image, image + 0.02, ("cat", "dog"))
    titles = [ax.get_title() for ax in figure.axes]
    assert titles == ["cat", "perturbation × 20\n(mid-grey: no change)", "dog"]
    np.testing.assert_allclose(figure.axes[1].images[0].get_array(), 0.9, atol=1e-5)


def test_show_images_lays_out_a_grid():
    images = torch.rand(5, 1, 4, 4)
    figure = plots.show_images(images, [f"title {i}" for i in range(5)], columns=3, rows=("first", "second"))
    assert len(figure.axes) == 6
    for i in range(5):
        np.testing.assert_array_equal(figure.axes[i].images[0].get_array(), images[i, 0])
        assert figure.axes[i].get_title() == f"title {i}"
    assert not figure.axes[5].images
    assert [figure.axes[i].get_ylabel() for i in (0, 3)] == ["first", "second"]
    assert figure.axes[0].images[0].get_clim() == (0, 1)


def test_top5_sorts_and_marks_the_label():
    ax = plt.figure().add_subplot()
    probabilities = torch.tensor([0.05, 0.5, 0.02, 0.3, 0.1, 0.03])
    plots.top5(ax, probabilities, list("abcdef"), label=3)
    np.testing.assert_allclose([bar.get_width() for bar in ax.patches], [0.5, 0.3, 0.1, 0.05, 0.03])
    assert [text.get_text() for text in ax.get_yticklabels()] == list("bdeaf")
    assert [bool(bar.get_hatch()) for bar in ax.patches] == [False, True, False, False, False]
    assert ax.get_xlabel() == "probability" and ax.yaxis_inverted()


def test_top5_of_two_classes_draws_two_bars():
    ax = plots.top5(plt.figure().add_subplot(), torch.tensor([0.25, 0.75]), ["no", "yes"])
    assert [bar.get_width() for bar in ax.patches] == [0.75, 0.25]


def test_the_style_stays_inside_until_it_is_asked_for():
    with plt.rc_context():
        plt.rcdefaults()
        before = dict(plt.rcParams)
        plots.accuracy_curve({"a": ([0, 1], [1, 0])})
        assert dict(plt.rcParams) == before
        plots.use_style()
        assert plt.rcParams["axes.prop_cycle"].by_key()["color"][0] == plots.PALETTE[0]


def test_the_style_keeps_settings_that_are_made_inside_it():
    with plt.rc_context():
        plt.rcParams["interactive"] = False
        with plots.style():
            plt.rcParams["interactive"] = True  # as a notebook's backend does when the first figure wakes it up
        assert plt.rcParams["interactive"]
