"""Turns, shifts and flows against slicing, torch.rot90, SciPy and finite differences."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from advcourse.core.warps import canvas, rigid, warp
from tests.support.scenes import normal, seeded
from tests.support.toys import pictures

SHAPES = [(1, 7, 10), (3, 10, 7), (2, 8, 8), (1, 1, 5), (3, 32, 32)]


def by_scipy(image, dx, dy, angle):
    """One image (C, H, W) by ndimage.affine_transform, whose matrix acts on (row, column)."""
    turn = np.deg2rad(angle)
    back = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    middle = (np.array(image.shape[1:]) - 1) / 2
    offset = middle - back @ (middle + np.array([dy, dx]))
    turned = [ndimage.affine_transform(c.numpy(), back, offset, order=1, mode="grid-constant") for c in image]
    return torch.from_numpy(np.stack(turned))


# -- exact cases


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_identity_is_exact(shape, dtype):
    images = pictures(3, *shape, dtype=dtype)
    assert torch.equal(rigid(images, 0, 0, 0), images)
    assert torch.equal(warp(images, images.new_zeros(3, 2, *shape[1:])), images)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("dx", "dy"), [(3, 0), (-3, 0), (0, 2), (0, -2), (1, -4), (-5, 3)])
def test_a_shift_by_whole_pixels_is_slicing(dx, dy, dtype):
    """Asked for 3 px, others move 2.906: the half-pixel convention (trap 11)."""
    images = pictures(2, 3, 9, 14, dtype=dtype)
    expected = torch.zeros_like(images)
    rows, columns = slice(max(dy, 0), 9 + min(dy, 0)), slice(max(dx, 0), 14 + min(dx, 0))
    expected[:, :, rows, columns] = images[:, :, max(-dy, 0) : 9 - max(dy, 0), max(-dx, 0) : 14 - max(dx, 0)]
    assert torch.equal(rigid(images, dx, dy, 0), expected)


def test_half_a_pixel_is_the_mean_of_two():
    images = pictures(2, 1, 5, 6)
    half = rigid(images, 0.5, 0, 0)
    torch.testing.assert_close(half[..., 1:], (images[..., 1:] + images[..., :-1]) / 2, rtol=0, atol=1e-14)
    torch.testing.assert_close(half[..., 0], images[..., 0] / 2, rtol=0, atol=1e-14)  # black comes in


@pytest.mark.parametrize("side", [8, 9])
@pytest.mark.parametrize("quarters", [1, 2, 3, -1])
def test_a_quarter_turn_of_a_square_is_rot90(side, quarters):
    images = pictures(2, 3, side, side)
    turned = rigid(images, 0, 0, 90 * quarters)
    torch.testing.assert_close(turned, torch.rot90(images, quarters, (2, 3)), rtol=0, atol=1e-14)


def test_a_positive_angle_turns_counter_clockwise_as_displayed():
    image = torch.zeros(1, 1, 9, 9, dtype=torch.float64)
    image[0, 0, 4, 8] = 1  # at three o'clock
    turned = rigid(image, 0, 0, 45)[0, 0]
    row, column = divmod(int(turned.argmax()), 9)
    assert row < 4 < column  # between twelve and three


def test_the_turn_comes_before_the_shift():
    images = canvas(pictures(2, 2, 9, 9), 3, 45)
    both = rigid(images, 2, -1, 30)
    torch.testing.assert_close(both, rigid(rigid(images, 0, 0, 30), 2, -1, 0), rtol=0, atol=1e-13)
    assert not torch.allclose(both, rigid(rigid(images, 2, -1, 0), 0, 0, 30))


# -- other libraries


@pytest.mark.parametrize("shape", SHAPES)
def test_rigid_equals_scipy(shape):
    """Also where the image is not square, which a turn in [-1, 1] would shear."""
    images = pictures(4, *shape)
    moves = [(0.3, -1.7, 20.0), (-2.4, 0.6, -75.0), (0.0, 0.0, 133.0), (1.0, 1.5, 0.0)]
    ours = rigid(images, *torch.tensor(moves, dtype=torch.float64).T)
    for image, result, move in zip(images, ours, moves, strict=True):
        torch.testing.assert_close(result, by_scipy(image, *move), rtol=0, atol=1e-12)


@pytest.mark.parametrize(("padding", "mode"), [("border", "nearest"), ("zeros", "grid-constant")])
@pytest.mark.parametrize("shape", SHAPES)
def test_warp_equals_scipy(shape, padding, mode):
    images = pictures(2, *shape)
    flow = 3 * normal(2, 2, *shape[1:])
    ours = warp(images, flow, padding=padding)
    rows, columns = np.indices(shape[1:])
    for image, (right, down), result in zip(images, flow.numpy(), ours, strict=True):
        points = [rows - down, columns - right]
        theirs = [ndimage.map_coordinates(c.numpy(), points, order=1, mode=mode) for c in image]
        torch.testing.assert_close(result, torch.from_numpy(np.stack(theirs)), rtol=0, atol=1e-12)


def test_a_constant_field_is_a_shift():
    images = pictures(2, 2, 6, 9)
    field = torch.tensor([1.25, -2.0], dtype=torch.float64).view(1, 2, 1, 1).expand(2, 2, 6, 9)
    moved = warp(images, field, padding="zeros")
    torch.testing.assert_close(moved, rigid(images, 1.25, -2, 0), rtol=0, atol=1e-14)


# -- each image its own


def test_every_image_has_its_own_transform():
    """Not one for the whole batch (trap 11)."""
    images = pictures(3, 2, 6, 9)
    dx, dy, angle = torch.tensor([[1.0, 0.0, 7.0], [-2.0, 1.5, -30.0], [0.0, 0.0, 90.0]], dtype=torch.float64).T
    together = rigid(images, dx, dy, angle)
    alone = [rigid(images[[i]], dx[i].item(), dy[i].item(), angle[i].item()) for i in range(3)]
    torch.testing.assert_close(together, torch.cat(alone), rtol=0, atol=1e-14)


def test_height_and_width_are_not_taken_for_channels():
    """An image read as (H, W, C) moves its colours (trap 11): channels must move together, each keeping its values."""
    image = torch.zeros(1, 3, 5, 8, dtype=torch.float64)
    image[0, :, 2, 3] = torch.tensor([0.2, 0.5, 0.9]).double()
    moved = rigid(image, 2, 1, 0)
    assert moved[0, :, 3, 5].tolist() == image[0, :, 2, 3].tolist()
    assert moved.count_nonzero() == 3


def test_one_image_takes_many_transforms():
    image = pictures(1, 2, 6, 9)
    angles = torch.tensor([0.0, 10.0, 20.0], dtype=torch.float64)
    many = rigid(image, 1.0, 0.0, angles)
    torch.testing.assert_close(many, rigid(image.expand(3, -1, -1, -1), 1.0, 0.0, angles), rtol=0, atol=0)


# -- gradients


def moved(images, parameters):
    return rigid(images, *parameters.T)


def test_gradients_of_the_parameters_are_finite_differences():
    images = pictures(3, 2, 6, 9)
    at = torch.tensor([[0.3, -0.2, 10.0], [1.4, 0.7, -25.0], [-0.6, 2.3, 100.0]], dtype=torch.float64)
    weight = torch.rand(images.shape, generator=seeded(4), dtype=torch.float64)
    at.requires_grad_()
    (gradient,) = torch.autograd.grad((weight * moved(images, at)).sum(), at)
    for axis in range(3):
        step = torch.zeros(3, dtype=torch.float64)
        step[axis] = 1e-6
        difference = (weight * (moved(images, at + step) - moved(images, at - step))).sum((1, 2, 3)) / 2e-6
        torch.testing.assert_close(gradient[:, axis], difference, rtol=1e-6, atol=1e-8)


def test_gradients_of_flow_and_images():
    images = pictures(1, 2, 3, 4).mul(0.8).add(0.1).requires_grad_()
    flow = torch.rand(1, 2, 3, 4, generator=seeded(3), dtype=torch.float64) * 1.6 - 0.83
    assert torch.autograd.gradcheck(warp, (images, flow.requires_grad_()), atol=1e-7)
    assert torch.autograd.gradcheck(lambda x: rigid(x, 0.4, -1.3, 25.0), images, atol=1e-7)


def test_gradients_pass_where_images_are_black_or_white_and_at_their_edge():
    """A clamp to [0, 1], or of the points to the image, stops the gradient at its bounds: no flow would ever start."""
    images = pictures(2, 1, 6, 7).round()
    weight = torch.rand(images.shape, generator=seeded(4), dtype=torch.float64)
    flow = torch.zeros(2, 2, 6, 7, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad((weight * warp(images, -flow)).sum(), flow)
    right = torch.nn.functional.pad(images.diff(dim=3), (0, 1)) * weight  # to the right of a whole pixel
    below = torch.nn.functional.pad(images.diff(dim=2), (0, 0, 0, 1)) * weight
    torch.testing.assert_close(gradient, torch.cat([right, below], 1), rtol=0, atol=1e-12)
    assert gradient[:, 0, :, 0].abs().max() > 0.1


# -- canvas


@pytest.mark.parametrize("shape", [(1, 5, 9), (1, 9, 5), (2, 7, 7), (1, 6, 8)])
@pytest.mark.parametrize(("max_shift", "max_angle"), [(0, 0), (2, 0), (0.5, 0), (0, 30), (3, 30), (1.3, 90), (0, 180)])
def test_nothing_leaves_the_canvas_and_it_is_no_larger_than_needed(shape, max_shift, max_angle):
    images = torch.ones(1, *shape, dtype=torch.float64)
    enlarged = canvas(images, max_shift, max_angle)
    margins = [(enlarged.shape[side] - images.shape[side]) // 2 for side in (2, 3)]
    angles = torch.linspace(-max_angle, max_angle, 721, dtype=torch.float64)
    corners = [(max_shift * i, max_shift * j) for i in (-1, 1) for j in (-1, 1)]
    around = torch.nn.functional.pad(enlarged, (1, 1, 1, 1))
    leaves = torch.cat([rigid(around, dx, dy, angles) for dx, dy in corners])
    frame = torch.ones_like(around[0, 0], dtype=torch.bool)
    frame[1:-1, 1:-1] = False
    assert leaves[:, :, frame].max() < 1e-9
    for axis, margin in zip((2, 3), margins, strict=True):
        depth = 1 if max_angle == 0 else 2  # a sharp corner may end between pixels
        edge = torch.cat([leaves.narrow(axis, 1, depth), leaves.narrow(axis, -1 - depth, depth)], axis)
        assert margin < depth or edge.max() > 1e-9


def test_a_canvas_for_no_movement_is_the_image():
    images = pictures(2)
    assert torch.equal(canvas(images, 0, 0), images)
    assert torch.equal(canvas(images, 2, 0)[:, :, 2:-2, 2:-2], images)
    assert canvas(images, 2, 0).shape == (2, 2, 12, 10)


# -- bad input


def test_bad_parameters_are_refused_by_name():
    images = pictures(3)
    with pytest.raises(ValueError, match=r"dy has shape \(2,\), expected a number or \(3,\)"):
        rigid(images, 0.0, torch.zeros(2), 0.0)
    with pytest.raises(ValueError, match="dx.*angle.*expected as many of each"):
        rigid(images[:1], torch.zeros(2), 0.0, torch.zeros(3))
    with pytest.raises(ValueError, match=r"field is \(3, 2, 8, 5\), expected \(3, 2, 8, 6\)"):
        warp(images, torch.zeros(3, 2, 8, 5, dtype=torch.float64))
    with pytest.raises(ValueError, match="padding is 'wrap', expected one of zeros, border"):
        warp(images, torch.zeros(3, 2, 8, 6, dtype=torch.float64), padding="wrap")
    for name, given in {"max_shift": (-1, 0), "max_angle": (0, float("nan"))}.items():
        with pytest.raises(ValueError, match=f"{name} is .*expected"):
            canvas(images, *given)
