"""Images of two pixels: each colour is what the model answers there; balls, steps and tangents lie as they should."""

import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgba

from advcourse import plots
from advcourse.plots._two_pixels import REGIONS

W = torch.tensor([[0.0, 0.0], [6.0, 1.0], [-0.4, 1.6]]).double()
B = torch.tensor([2.0, -2.9, 0.75]).double()


def straight(z):
    return z.flatten(1) @ W.T + B


def circle(z):
    """Class 1 inside the circle of radius one half around black."""
    r = z.flatten(1).square().sum(1)
    return torch.stack([r - 0.25, torch.zeros_like(r)], 1)


def two(*place):
    return torch.tensor(place, dtype=torch.float64).view(1, 1, 1, 2)


def pixel(ax, x, y):
    ax.figure.canvas.draw()
    shown = np.asarray(ax.figure.canvas.buffer_rgba())
    column, row = ax.transData.transform((x, y))
    return tuple(shown[len(shown) - 1 - int(row), int(column)] / 255)


@pytest.mark.parametrize("place", [(0.1, 0.2), (0.3, 0.1), (0.8, 0.8), (0.2, 0.7), (0.05, 0.95), (0.97, 0.05)])
def test_each_colour_is_what_the_model_predicts_there(place):
    for model in (straight, circle):
        ax = plots.draw_page(model)
        expected = REGIONS[int(model(two(*place)).argmax())]
        assert pixel(ax, *place) == pytest.approx(to_rgba(expected), abs=0.01)
        assert ax.get_xlim() == ax.get_ylim() == (0, 1) and ax.get_xlabel() == "$x_1$" and ax.get_ylabel() == "$x_2$"


def test_a_model_of_one_answer_is_drawn():
    ax = plots.draw_page(lambda z: straight(z) * 0 + torch.tensor([0.0, 1.0, 0.0]).double())
    assert pixel(ax, 0.5, 0.5) == pytest.approx(to_rgba(REGIONS[1]), abs=0.01)


def test_balls():
    ax = plots.draw_page(straight)
    plots.draw_ball(ax, two(0.4, 0.6), 0.2)
    plots.draw_ball(ax, two(0.4, 0.6), 0.1, norm="linf")
    disc, square = ax.patches
    assert disc.get_center() == pytest.approx((0.4, 0.6)) and disc.get_radius() == 0.2
    assert square.get_xy() == pytest.approx((0.3, 0.5)) and square.get_width() == pytest.approx(0.2)
    assert not disc.get_fill() and not square.get_fill()


def test_steps_have_arrows_with_a_white_rim_and_a_name():
    ax = plots.draw_page(straight)
    path = [two(0.1, 0.2), two(0.3, 0.4), two(0.35, 0.8)]
    plots.draw_steps(ax, path, name="a")
    arrows = [text for text in ax.texts if text.arrow_patch]
    assert [(*a.xyann, *a.xy) for a in arrows] == [(0.1, 0.2, 0.3, 0.4), (0.3, 0.4, 0.35, 0.8)]
    assert all(arrow.arrow_patch.get_path_effects() for arrow in arrows)
    assert [text.get_text() for text in ax.texts if not text.arrow_patch] == ["a"]
    assert ax.lines[0].get_xydata().tolist() == [[0.1, 0.2]]
    again = plots.draw_page(straight)
    plots.draw_steps(again, torch.cat(path[:1]))
    assert len(again.lines) == 1 and not again.texts


def distance(line, x):
    (p, q), n = np.array([line._xy1, line._xy2]), np.array(x)
    along = (q - p) / np.linalg.norm(q - p)
    return np.linalg.norm((n - p) - ((n - p) @ along) * along)


def test_tangents_of_straight_borders_are_the_borders_and_the_nearest_is_orange():
    x = two(0.2, 0.3)
    f = straight(x)[0]
    home = int(f.argmax())
    ax = plots.draw_tangents(plots.draw_page(straight), straight, x)
    others = [k for k in range(3) if k != home]
    exact = [((f[k] - f[home]).abs() / (W[k] - W[home]).norm()).item() for k in others]
    assert [distance(line, (0.2, 0.3)) for line in ax.lines] == pytest.approx(exact)
    orange = [line.get_color() == plots.PALETTE[1] and line.get_linestyle() == "-" for line in ax.lines]
    assert orange.index(True) == int(np.argmin(exact)) and sum(orange) == 1


def test_the_tangent_of_a_curved_border_is_newtons():
    ax = plots.draw_tangents(plots.draw_page(circle), circle, two(0.6, 0.8))
    assert distance(ax.lines[0], (0.6, 0.8)) == pytest.approx(0.75 / 2)


def test_levels_are_those_of_the_function():
    ax = plots.draw_page(circle)
    before = len(ax.collections)
    plots.draw_levels(ax, lambda z: z[:, 0, 0, 0], levels=4, points=11)
    (contour,) = ax.collections[before:]
    for level, path in zip(contour.levels, contour.get_paths(), strict=True):
        assert np.allclose(path.vertices[:, 0], level)
    assert sum(len(path.vertices) > 0 for path in contour.get_paths()) >= 4


@pytest.mark.parametrize(
    "draw, message",
    [
        (lambda ax: plots.draw_page(straight, ax, points=1), "points"),
        (lambda ax: plots.draw_page(lambda z: (straight(z),), ax), "model"),
        (lambda ax: plots.draw_ball(ax, two(0.4, 0.6), 0.0), "radius"),
        (lambda ax: plots.draw_ball(ax, two(0.4, 0.6), 0.1, norm="l1"), "norm"),
        (lambda ax: plots.draw_ball(ax, torch.zeros(3), 0.1), "image"),
        (lambda ax: plots.draw_steps(ax, [torch.zeros(1, 1, 2, 2)]), "path"),
        (lambda ax: plots.draw_tangents(ax, circle, torch.zeros(1, 1, 1, 2).double()), "model has no gradient"),
        (lambda ax: plots.draw_tangents(ax, circle, torch.zeros(1, 1, 1, 3)), "image"),
    ],
)
def test_bad_input_is_refused_by_name(draw, message):
    ax = plots.draw_page(straight)
    with pytest.raises(ValueError, match=f"{message}.*expected"):
        draw(ax)
