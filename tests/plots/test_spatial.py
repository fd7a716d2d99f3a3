"""The landscape over shifts and angles shows what the network says of the moved image."""

import matplotlib.pyplot as plt
import pytest
import torch
from torch import nn

from advcourse import plots


class Place(nn.Module):
    """Margin of class 1 over class 0: how far the light is to the right of the middle, less one pixel."""

    def forward(self, images):
        ramp = torch.arange(images.shape[3], dtype=images.dtype) - (images.shape[3] - 1) / 2
        right = (images * ramp).sum((1, 2, 3)) / images.sum((1, 2, 3)).clamp_min(1e-9) - 1
        return torch.stack([torch.zeros_like(right), right], 1)


def spot(row, column, height=9, width=13):
    image = torch.zeros(1, height, width, dtype=torch.float64)
    image[0, row, column] = 1
    return image


def test_the_boundary_lies_where_the_prediction_changes():
    ax = plots.spatial_landscape(Place(), spot(4, 6), 0, max_shift=3, max_angle=0, points=61, parameters=("dx", "dy"))
    filled, line = (child for child in ax.collections if child.get_paths())
    corners = torch.cat([torch.from_numpy(path.vertices) for path in line.get_paths()])
    torch.testing.assert_close(corners[:, 0], torch.ones(len(corners), dtype=torch.float64), rtol=0, atol=1e-6)
    assert corners[:, 1].min() < -2.9 and corners[:, 1].max() > 2.9
    assert ax.get_xlabel() == "shift to the right (pixels)" and ax.get_ylabel() == "shift down (pixels)"


def test_angles_run_counter_clockwise():
    """A light below the middle goes to the right as the image turns counter-clockwise."""
    ax = plots.spatial_landscape(Place(), spot(8, 6), 0, max_shift=2, max_angle=40, points=41)
    line = ax.collections[1]
    at_zero = [corner[0] for path in line.get_paths() for corner in path.vertices if abs(corner[1]) < 0.06]
    assert at_zero and all(10 < angle < 20 for angle in at_zero)  # arcsin(1 / 4) is 14.5 degrees
    assert ax.get_xlabel() == "angle (degrees)" and ax.get_ylabel() == "shift to the right (pixels)"


def test_no_line_where_the_prediction_never_changes():
    ax = plots.spatial_landscape(Place(), spot(4, 2), 0, max_shift=1, max_angle=5, points=5)
    assert len(ax.collections) == 1


def test_it_draws_where_it_is_told_and_refuses_other_parameters():
    _, given = plt.subplots()
    assert plots.spatial_landscape(Place(), spot(4, 6), 0, max_shift=1, max_angle=5, points=5, ax=given) is given
    for bad in (("dx", "dx"), ("dx", "zoom"), ("dx",)):
        with pytest.raises(ValueError, match="parameters is .*expected"):
            plots.spatial_landscape(Place(), spot(4, 6), 0, max_shift=1, max_angle=5, points=5, parameters=bad)
    for image, label, name in ((spot(4, 6), 9, "label"), (spot(4, 6)[None], 0, "image"), (2 * spot(4, 6), 0, "image")):
        with pytest.raises(ValueError, match=f"{name}.*expected"):
            plots.spatial_landscape(Place(), image, label, max_shift=1, max_angle=5, points=5)


class Faint(nn.Module):
    """A loss that grows by powers of ten to the right: the margin of class 0 falls by 2.3 a pixel from 12 on."""

    def forward(self, images):
        ramp = torch.arange(images.shape[3], dtype=images.dtype) - (images.shape[3] - 1) / 2
        right = (images * ramp).sum((1, 2, 3)) / images.sum((1, 2, 3)).clamp_min(1e-9)
        return torch.stack([12 - 2.302585 * right, torch.zeros_like(right)], 1)


def test_by_powers_of_ten_small_losses_are_told_apart():
    """Of three pixels to either side, 6 powers of ten, most levels lie below a hundredth of the largest loss."""
    shades = {}
    for log in (False, True):
        ax = plots.spatial_landscape(
            Faint(), spot(4, 6), 0, max_shift=3, max_angle=0, points=31, parameters=("dx", "dy"), log=log
        )
        filled = ax.collections[0]
        shades[log] = sum(level < filled.levels.max() / 100 for level in filled.levels)
        assert "powers of ten" in ax.figure.axes[-1].get_ylabel() or not log
    assert shades[False] <= 1 and shades[True] >= 15


def test_by_powers_of_ten_a_loss_of_zero_can_be_drawn():
    class Certain(nn.Module):
        def forward(self, images):
            return torch.tensor([[1e4, 0.0]], dtype=images.dtype).expand(len(images), -1)

    ax = plots.spatial_landscape(Certain(), spot(4, 6), 0, max_shift=1, max_angle=5, points=5, log=True)
    assert len(ax.collections) == 1
