"""A free panel beside images."""

import pytest
import torch

from advcourse import plots


def images(n):
    return torch.linspace(0, 1, n).view(n, 1, 1, 1).expand(n, 3, 4, 5)


def test_the_free_panel_is_empty_and_every_image_has_its_place_and_name():
    figure, free = plots.beside(images(5), list("abcde"), columns=3, rows=("upper", "lower"))
    (left, right), panels = figure.subfigs, figure.subfigs[1].axes
    assert left.axes == [free] and not free.images and len(right.axes) == 6
    assert [panel.get_title() for panel in panels] == [*"abcde", ""]
    assert [panels[0].get_ylabel(), panels[3].get_ylabel()] == ["upper", "lower"]
    assert not panels[5].axison
    assert panels[4].images[0].get_array().max() == 1 and panels[0].images[0].get_array().max() == 0


def test_the_page_is_as_wide_as_a_notebook_and_nothing_leaves_it():
    figure, free = plots.beside(images(4), ["one line\nand another"] * 4, columns=2)
    free.set(xlabel="across", ylabel="up")
    figure.draw_without_rendering()
    width, height = figure.canvas.get_width_height()
    assert width <= 700
    for ax in (free, *figure.subfigs[1].axes):
        box = ax.get_tightbbox()
        assert -1 <= box.x0 and box.x1 <= width + 1 and -1 <= box.y0 and box.y1 <= height + 1


def test_it_refuses_names_that_do_not_fit():
    with pytest.raises(ValueError, match="titles holds 1 names, expected 2"):
        plots.beside(images(2), ["only one"], columns=2)
    with pytest.raises(ValueError, match="wide is 8"):
        plots.beside(images(2), columns=2, wide=8)
    with pytest.raises(ValueError, match="columns"):
        plots.beside(images(2), columns=0)
