"""Arrows point and reach, on the displayed image, where the field moves it."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from advcourse import plots

RED = "#ff0000"
LUMA = (0.2126, 0.7152, 0.0722)


def inked(field, **settings):
    """Where the arrows of a field on a white image are red, as (columns, rows) of the image."""
    figure = Figure(figsize=(6, 6), dpi=100)
    canvas = FigureCanvasAgg(figure)
    ax = figure.add_axes((0, 0, 1, 1))
    plots.draw_field(ax, torch.ones(3, *field.shape[1:]), field, color=RED, **settings)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba()).astype(int)
    rows, columns = np.nonzero((pixels[..., 0] > 200) & (pixels[..., 1:3].max(-1) < 100))
    shown = ax.transData.inverted().transform(np.stack([columns + 0.5, len(pixels) - rows - 0.5], 1))
    return shown[:, 0], shown[:, 1]


def one_arrow(right, down, at=(10, 10), side=21):
    field = torch.zeros(2, side, side)
    field[:, at[0], at[1]] = torch.tensor([right, down])
    return field


@pytest.mark.parametrize(
    "right, down", [(6.0, 0.0), (-6.0, 0.0), (0.0, 6.0), (0.0, -6.0), (4.0, 3.0), (-2.0, 5.0)], ids=str
)
@pytest.mark.parametrize("factor", [1.0, 0.5, 1.5])
def test_an_arrow_goes_from_its_pixel_to_where_the_field_points(right, down, factor):
    x, y = inked(one_arrow(right, down), every=21, factor=factor)
    goal = factor * np.array([right, down])
    length = np.hypot(*goal)
    along = ((x - 10) * goal[0] + (y - 10) * goal[1]) / length
    assert along.max() == pytest.approx(length, abs=0.4)
    assert along.min() == pytest.approx(0, abs=0.4)
    across = ((x - 10) * -goal[1] + (y - 10) * goal[0]) / length
    assert abs(across.mean()) < 0.1


def test_there_is_an_arrow_at_every_so_many_pixels_and_the_image_keeps_its_frame():
    image, field = torch.rand(1, 12, 20), torch.ones(2, 12, 20)
    for every, across, down in ((1, range(20), range(12)), (5, range(2, 20, 5), range(0, 12, 5)), (None, *2 * [None])):
        _, ax = plt.subplots()
        assert plots.draw_field(ax, image, field, every=every, title="moved") is ax
        arrows = ax.collections[0]
        if every:
            expected = [[x, y] for y in down for x in across]
            assert arrows.get_offsets().tolist() == expected
        else:
            assert len(arrows.get_offsets()) == 240
        assert ax.get_xlim() == (-0.5, 19.5) and ax.get_ylim() == (11.5, -0.5) and ax.get_title() == "moved"


def test_a_large_image_has_some_hundred_arrows_and_none_where_next_to_nothing_moves():
    _, ax = plt.subplots()
    plots.draw_field(ax, torch.rand(3, 224, 200), torch.ones(2, 224, 200))
    assert 150 <= len(ax.collections[0].get_offsets()) <= 300
    field = torch.zeros(2, 8, 8)
    field[0, 2, 3], field[1, 5, 6], field[0, 0, 0] = 1.0, -0.06, 0.04
    for given, expected in ((field, [[3, 2], [6, 5]]), (torch.zeros(2, 8, 8), [])):
        _, ax = plt.subplots()
        plots.draw_field(ax, torch.rand(3, 8, 8), given, every=1)
        ax.figure.canvas.draw()
        assert ax.collections[0].get_offsets().tolist() == expected


@pytest.mark.parametrize("level", [0.0, 0.3, 0.7, 1.0])
def test_arrows_are_seen_on_dark_and_on_light_images(level):
    """Contrast as the accessibility guidelines have it: (a + 0.05) / (b + 0.05) of the two luminances, at least 3."""
    _, ax = plt.subplots()
    plots.draw_field(ax, torch.full((3, 8, 8), level), torch.ones(2, 8, 8))
    ground, ink = 3 * [float(ax.images[0].get_array()[4, 4])], ax.collections[0].get_facecolor()[0][:3]
    linear = [
        sum(
            k * (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4) for k, c in zip(LUMA, colour, strict=True)
        )
        for colour in (ground, ink)
    ]
    assert (linear[0] + 0.05) / (linear[1] + 0.05) > 3


def test_a_row_shows_image_motion_result_and_difference():
    images, fields = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0)), torch.ones(2, 2, 8, 8)
    moved = (images + 0.09).clamp(0, 1)
    figure = plots.show_motion(images, fields, moved, [("a", "b"), ("c", "d")], every=2, factor=3)
    panels = figure.axes
    titles = ["a", "motion × 3", "b", "difference × 5", "c", "motion × 3", "d", "difference × 5"]
    assert [panel.get_title() for panel in panels] == titles
    for row in range(2):
        shown = [panel.images[0].get_array() for panel in panels[4 * row : 4 * row + 4]]
        expected = [images[row], None, moved[row], 0.5 + 5 * (moved - images)[row]]
        for picture, tensor in zip(shown, expected, strict=True):
            if tensor is not None:
                np.testing.assert_allclose(picture, tensor.permute(1, 2, 0), atol=1e-6)
        assert len(panels[4 * row + 1].collections[0].get_offsets()) == 16


@pytest.mark.parametrize(
    "change, name",
    [
        ({"image": torch.rand(2, 3, 8, 8)}, "image"),
        ({"image": 2 * torch.ones(3, 8, 8)}, "image"),
        ({"field": torch.zeros(1, 2, 8, 8)}, "field"),
        ({"field": torch.zeros(2, 8, 9)}, "field"),
        ({"every": 0}, "every"),
        ({"factor": 0.0}, "factor"),
        ({"field": torch.full((2, 8, 8), float("nan"))}, "field"),
    ],
)
def test_bad_input_is_refused_by_name(change, name):
    _, ax = plt.subplots()
    given = {"image": torch.rand(3, 8, 8), "field": torch.zeros(2, 8, 8), **change}
    with pytest.raises(ValueError, match=f"{name} .*expected"):
        plots.draw_field(ax, given.pop("image"), given.pop("field"), **given)
