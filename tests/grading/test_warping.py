"""What the checks of motions in short steps and of attacks that stir say, and that right ones pass."""

import pytest
import torch
import torch.nn.functional as F

from advcourse.core import warps
from advcourse.grading import warping
from tests.support.refusals import says
from tests.support.scenes import normal

DRIFT = torch.tensor([[1.0, -0.25], [-1.5, 0.5]], dtype=torch.float64)
TURN = torch.tensor([[0.1, -0.3], [0.4, -0.1]], dtype=torch.float64)


def corners(x, y, width, height):
    return 2 * x / (width - 1) - 1, 2 * y / (height - 1) - 1


def edges(x, y, width, height):
    return (2 * x + 1) / width - 1, (2 * y + 1) / height - 1


def following(
    units=edges, *, part=lambda t, k: t / k, times=lambda k: k, padding="border", mode="bilinear", align=False, at=True
):
    """``follow`` with one thing changed."""

    def follow(images, field, t, steps):
        height, width = images.shape[2:]
        y, x = torch.meshgrid(torch.arange(height).double(), torch.arange(width).double(), indexing="ij")
        x, y = x.expand(len(images), -1, -1), y.expand(len(images), -1, -1)

        def read(picture):
            grid = torch.stack(units(x, y, width, height), -1).to(images)
            return F.grid_sample(picture, grid, mode=mode, padding_mode=padding, align_corners=align)

        for _ in range(times(steps)):
            right, down = (read(field) if at else field).unbind(1)
            x, y = x - part(t, steps) * right, y - part(t, steps) * down
        return read(images)

    return follow


def swapped(images, field, t, steps):
    return following()(images, field.flip(1), t, steps)


@pytest.mark.parametrize("function", [following(), following(corners, align=True)])
@pytest.mark.parametrize("t, steps", [(1.0, 1), (-0.5, 3), (0, 2), (2.5, 4)])
def test_a_right_motion_passes(function, t, steps):
    function.__name__ = "follow"
    warping.drifts(function, DRIFT, 5, 8, t, steps)
    warping.revolves(function, TURN, 12, 9, t / 2, steps)


def test_one_step_is_the_librarys_warp():
    images, field = normal(2, 3, 5, 6).abs().clamp(0, 1), normal(2, 2, 5, 6)
    expected = warps.warp(images, field, 0.7)
    torch.testing.assert_close(following()(images, field, 0.7, 1), expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    "function, pattern",
    [
        (lambda images, v, t, k: None, "returned None"),
        (lambda images, v, t, k: images, "came back as they were"),
        (following(part=lambda t, k: -t / k), r"reads at p \+ t v"),
        (following(part=lambda t, k: t), "each step is as long as the whole way"),
        (following(times=lambda k: 1), "only one step of t / steps is taken"),
        (following(times=lambda k: k + 1), "one step too many"),
        (following(times=lambda k: k - 1), "one step is missing"),
        (following(part=lambda t, k: 1 / k), "t is ignored"),
        (swapped, "right and down are swapped"),
        (lambda images, v, t, k: following()(images, v[:1].expand_as(v), t, k), "the field of image 0"),
        (following(corners), "made by one convention"),
        (following(align=True), "made by one convention"),
        (following(padding="zeros"), "black comes in from outside"),
        (following(lambda *p: [u.float() for u in edges(*p)]), "that is the rounding of float32"),
        (following(lambda x, y, w, h: (2 * x / w - 1, 2 * y / h - 1)), "half a pixel off"),
        (following(mode="nearest"), "reads the nearest pixel"),
        (following(part=lambda t, k: 0.9 * t / k), r"the pixel in row \d, column \d of image \d is read at row"),
    ],
)
def test_how_a_drift_differs(function, pattern):
    function.__name__ = "follow"
    with says(pattern):
        warping.drifts(function, DRIFT, 5, 8, 0.5, 4)


def exactly(images, field, t, steps):
    """The way along TURN to the end."""
    height, width = images.shape[2:]
    y, x = torch.meshgrid(torch.arange(height).double(), torch.arange(width).double(), indexing="ij")
    middle = torch.tensor([width - 1, height - 1]).double() / 2
    places = (torch.stack([x, y], -1) - middle) @ torch.linalg.matrix_exp(-t * TURN).T + middle
    grid = torch.stack(edges(*places.unbind(-1), width, height), -1)[None]
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


@pytest.mark.parametrize(
    "function, pattern",
    [
        (following(at=False), "every step takes the field at p"),
        (following(part=lambda t, k: -t / k), "the picture moves against the field"),
        (following(part=lambda t, k: t, times=lambda k: k), "each step is as long as the whole way"),
        (following(times=lambda k: 1), "only one step"),
        (following(times=lambda k: k + 1), "one step too many"),
        (following(times=lambda k: k - 1), "one step is missing"),
        (swapped, "right and down are swapped"),
        (exactly, "that is the exact way"),
        (following(part=lambda t, k: 0.9 * t / k), r"the pixel in row \d, column \d is read at row"),
    ],
)
def test_how_a_way_differs(function, pattern):
    function.__name__ = "follow"
    with says(pattern):
        warping.revolves(function, TURN, 9, 12, 1.5, 3)


IMAGES = normal(3, 2, 5, 7, seed=1).abs().clamp(0, 1)
FIELD = normal(3, 2, 5, 7) * torch.tensor([1.0, 0.1, 3]).view(3, 1, 1, 1)
LENGTH = FIELD.norm(dim=1)
EACH = LENGTH.square().mean((1, 2)).sqrt()
SIZE = 0.2


def moved(v):
    return warps.warp(IMAGES, v)


def by(measure):
    return SIZE * FIELD / measure.view(-1, 1, 1, 1)


def check(v):
    warping.attacked(moved(v), IMAGES, FIELD, SIZE, moved, "flow_attack")


def test_a_right_attack_passes():
    check(by(EACH))
    warping.attacked(IMAGES, IMAGES, 0 * FIELD, SIZE, moved, "flow_attack")


@pytest.mark.parametrize(
    "v, pattern",
    [
        (0 * FIELD, "came back as they were"),
        (-by(EACH), "stirs against the direction"),
        (FIELD, "the field is not scaled"),
        (SIZE * FIELD, "not divided by its own"),
        (by(EACH.square().mean().sqrt().expand(3)), "one scale for the whole batch: each image"),
        (by(EACH.max().expand(3)), "one scale for the whole batch, that of the image that moves most"),
        (by(LENGTH.amax((1, 2))), "the longest displacement is scaled"),
        (by(LENGTH.mean((1, 2))), "the mean length is scaled"),
        (by(FIELD.square().mean((1, 2, 3)).sqrt()), "the mean is taken over the pixels and both components"),
        (by(FIELD.flatten(1).norm(dim=1)), "the sum of the squares is scaled"),
        (by(EACH.square()), "the root is missing"),
        (FIELD.clamp(-SIZE, SIZE), "each component is clipped"),
        (SIZE * FIELD / LENGTH[:, None], "every pixel moves equally far"),
        (FIELD * (SIZE / EACH).clamp(max=1).view(-1, 1, 1, 1), "does not grow where it is short"),
        (1.1 * by(EACH), "pixel .* became"),
    ],
)
def test_how_an_attack_differs(v, pattern):
    with says(pattern):
        check(v)
