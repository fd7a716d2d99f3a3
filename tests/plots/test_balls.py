"""Balls in the plane, with the points that the functions handed in choose; and perturbations in several norms."""

import numpy as np
import pytest
import torch

from advcourse import plots

NORMS = {torch.inf: "linf", 2: "l2", 1: "l1"}


def nearest(u, eps, p):
    return u / max(1.0, u.norm(p).item() / eps)


def along_the_gradient(g, eps, p):
    return eps * g / g.norm(p)


def test_show_maximisers_draws_the_point_the_gain_and_the_line_of_that_gain():
    g = torch.tensor([1.0, 0.5])
    figure = plots.show_maximisers(along_the_gradient, g)
    assert len(figure.axes) == 3
    for ax, p in zip(figure.axes, NORMS, strict=True):
        best = along_the_gradient(g, 1.0, p)
        level, star, _ = ax.lines
        np.testing.assert_allclose(np.ravel(star.get_data()), best, rtol=1e-6)
        gains = [g[0] * x + g[1] * y for x, y in zip(*level.get_data(), strict=True)]
        np.testing.assert_allclose(gains, (g @ best).item(), rtol=1e-5)
        assert ax.get_title().endswith(f"gain {g @ best:.2f}")
    assert len(figure.legends) == 1


def test_show_projections_draws_each_point_and_where_it_goes():
    points = torch.tensor([[2.0, 0.0], [-1.0, 1.5]])
    figure = plots.show_projections(nearest, points)
    for ax, p in zip(figure.axes, NORMS, strict=True):
        drawn = np.array([np.ravel(line.get_data()) for line in ax.lines])
        np.testing.assert_allclose(drawn[::2], points)
        np.testing.assert_allclose(drawn[1::2], torch.stack([nearest(u, 1.0, p) for u in points]), rtol=1e-6)


def test_show_norms_states_the_factor_and_the_share_that_changed():
    delta = torch.zeros(1, 4, 4)
    delta[0, 0] = 0.01
    figure = plots.show_norms({"l2": [0.0, 1.0], "l1": [0.0, 2.0]}, {"l2": delta, "l1": delta})
    curve, *panels = figure.axes
    np.testing.assert_allclose(curve.lines[1].get_ydata(), [0, 2])
    assert [ax.get_title() for ax in panels] == [
        r"$\ell_2$: δ × 50" + "\n25% changed",
        r"$\ell_1$: δ × 50" + "\n25% changed",
    ]
    with pytest.raises(ValueError, match="norm is 'l3'"):
        plots.show_norms({"l3": [0.0]}, {"l3": delta})
