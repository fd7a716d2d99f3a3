"""What the checks of warps and of attacks that warp say, and that the library's own pass."""

import pytest
import torch
import torch.nn.functional as F

from advcourse.grading import warping
from advcourse.structured import flow_field
from advcourse.structured import warp as exact
from tests.support.refusals import says
from tests.support.scenes import normal, seeded


def field(count=2, height=5, width=8):
    return normal(count, 2, height, width)


def read(place, *, padding="border", mode="bilinear", align_corners=False):
    """A warp that reads where place(x, y, move_x, move_y, width, height) says, in the units of grid_sample."""

    def warp(images, v, t):
        height, width = images.shape[2:]
        y, x = torch.meshgrid(torch.arange(height).double(), torch.arange(width).double(), indexing="ij")
        grid = torch.stack(torch.broadcast_tensors(*place(x, y, t * v[:, 0], t * v[:, 1], width, height)), -1)
        return F.grid_sample(images, grid, mode=mode, padding_mode=padding, align_corners=align_corners)

    return warp


def single(place):
    """The same place, computed in float32."""
    return lambda *given: [g.double() for g in place(*(x.float() if isinstance(x, torch.Tensor) else x for x in given))]


def grid_units(x, y, u, v, width, height):
    return (2 * x + 1) / width - 1 - u, (2 * y + 1) / height - 1 - v


def edges(x, y, u, v, width, height):
    return (2 * (x - u) + 1) / width - 1, (2 * (y - v) + 1) / height - 1


def corners(x, y, u, v, width, height):
    return 2 * (x - u) / (width - 1) - 1, 2 * (y - v) / (height - 1) - 1


@pytest.mark.parametrize("function", [exact, read(edges), read(corners, align_corners=True)])
@pytest.mark.parametrize("t", [1.0, -0.5, 0, 3])
def test_a_right_warp_passes(function, t):
    warping.warps(function, field(), t)
    warping.warps(function, 0 * field(), t)


@pytest.mark.parametrize(
    "function, pattern",
    [
        (lambda images, v, t: None, "returned None"),
        (lambda images, v, t: images, "came back as they were"),
        (lambda images, v, t: exact(images, v, -t), r"reads at p \+ t v"),
        (lambda images, v, t: exact(images, v.flip(1), t), "right and down are swapped"),
        (lambda images, v, t: exact(images, v, 1.0), "t is ignored"),
        (lambda images, v, t: exact(images, v[:1].expand_as(v), t), "the field of image 0"),
        (read(corners), "made by one convention"),
        (read(edges, align_corners=True), "made by one convention"),
        (read(edges, padding="zeros"), "black comes in from outside"),
        (read(grid_units), "in the units of"),
        (read(single(edges)), "that is the rounding of float32. Create the grid with the images' dtype"),
        (read(single(grid_units)), "in the units of"),
        (read(single(edges), padding="zeros"), "black comes in from outside"),
        (read(single(corners)), "made by one convention"),
        (
            read(lambda x, y, u, v, w, h: edges(x, y, u * w / (w - 1), v * h / (h - 1), w, h)),
            "nearly. A pixel is 2 / W",
        ),
        (
            read(lambda x, y, u, v, w, h: edges(x, y, u * w / h, v * h / w, w, h)),
            "W and H are swapped",
        ),
        (read(lambda x, y, u, v, w, h: (2 * (x - u) / w - 1, 2 * (y - v) / h - 1)), "half a pixel off"),
        (read(edges, mode="nearest"), "reads the nearest pixel"),
        (lambda images, v, t: exact(images, 0.9 * v, t), r"the pixel in row \d, column \d of image \d is read at row"),
    ],
)
def test_how_a_warp_differs(function, pattern):
    function.__name__ = "warp"
    with says(pattern):
        warping.warps(function, field(), 1.5)


GRADIENT, IMAGES = torch.rand(2, 3, 2, 5, 7, generator=seeded(1), dtype=torch.float64)
GRADIENT = (GRADIENT - 0.5) * torch.tensor([1.0, 0.1, 3]).view(3, 1, 1, 1)
FIELD = flow_field(GRADIENT, IMAGES, gamma=0.5)
LENGTH = FIELD.norm(dim=1)
LIMIT = 0.2


def by(size):
    return LIMIT * FIELD / size.view(-1, 1, 1, 1)


def check(v):
    warping.attacked(exact(IMAGES, v), IMAGES, GRADIENT, 0.5, LIMIT, "flow_attack")


def test_a_right_attack_passes():
    check(by(LENGTH.amax((1, 2))))
    warping.attacked(IMAGES, IMAGES, 0 * GRADIENT, 0.5, LIMIT, "flow_attack")


@pytest.mark.parametrize(
    "v, pattern",
    [
        (0 * FIELD, "came back as they were"),
        (-by(LENGTH.amax((1, 2))), "moves pixels against the direction"),
        (FIELD, "the field is not scaled"),
        (LIMIT * FIELD, "not divided by its longest displacement"),
        (by(LENGTH.max().expand(3)), "one scale for the whole batch"),
        (by(FIELD.abs().amax((1, 2, 3))), "the largest component"),
        (by(LENGTH.mean((1, 2))), "the mean length"),
        (by(FIELD.flatten(1).norm(dim=1)), "the norm of the whole field"),
        (FIELD.clamp(-LIMIT, LIMIT), "each component is clipped"),
        (LIMIT * FIELD / LENGTH[:, None], "every pixel moves equally far"),
        (FIELD * (LIMIT / LENGTH.amax((1, 2))).clamp(max=1).view(-1, 1, 1, 1), "does not grow where it is short"),
        (1.1 * by(LENGTH.amax((1, 2))), "pixel .* of image .* became"),
    ],
)
def test_how_an_attack_differs(v, pattern):
    with says(pattern):
        check(v)
