"""Images as one picture, and tables of them."""

import pytest
import torch
from numpy.testing import assert_allclose

from advcourse import plots


@pytest.mark.parametrize(
    ("n", "columns", "rows", "across"), [(6, 3, 2, 3), (5, None, 3, 2), (7, 4, 2, 4), (1, None, 1, 1)]
)
def test_a_tile_holds_each_image_in_its_place_and_white_where_there_is_none(n, columns, rows, across):
    images = torch.rand(n, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    whole = plots.tile(images, columns)
    assert whole.shape == (3, rows * 6, across * 7)
    for place in range(rows * across):
        row, column = divmod(place, across)
        cell = whole[:, 6 * row : 6 * row + 6, 7 * column : 7 * column + 7]
        inside = cell[:, 1:-1, 1:-1]
        assert torch.equal(inside, images[place] if place < n else torch.ones_like(inside))
        assert (cell[:, 0] == 1).all() and (cell[:, :, -1] == 1).all()


def test_a_tile_clamps_and_leaves_its_images():
    images = torch.tensor([-1.0, 0.5, 2.0]).view(3, 1, 1, 1)
    assert plots.tile(images, 3)[0, 1, [1, 4, 7]].tolist() == [0, 0.5, 1]
    assert images.flatten().tolist() == [-1.0, 0.5, 2.0]


def test_a_table_of_sheets_names_rows_and_columns_and_leaves_what_is_missing_empty():
    sheets = {("a", "x"): torch.zeros(8, 1, 4, 4), ("b", "y"): torch.full((8, 1, 4, 4), 0.5)}
    figure = plots.show_sheets(sheets, ["a", "b"], ["x", "y"])
    panels = figure.axes
    assert [bool(panel.images) for panel in panels] == [True, False, False, True]
    assert [panels[0].get_title(), panels[1].get_title()] == ["x", ""] and panels[3].get_title() == ""
    assert [panels[0].get_ylabel(), panels[2].get_ylabel()] == ["a", "b"]
    assert_allclose(panels[3].images[0].get_array()[1, 1], 0.5)
