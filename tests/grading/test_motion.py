"""What the checks of turned and shifted images say, and that their toys are what their formulas say."""

import pytest
import torch
import torch.nn.functional as F

from advcourse.core import warps
from advcourse.grading import checks, motion
from tests.support.refusals import says
from tests.support.scenes import seeded

ASKED = [(0, 0, 0), (2, -1, 0), (0, 0, 20), (3, 1, -35)]


def by(change):
    """A function that moves the images as asked, but for `change` of the three columns of the transforms."""

    def rotate_translate(images, transforms):
        return warps.rigid(images, *change(*transforms.to(images).unbind(1)))

    return rotate_translate


def moved_as(function, *, height=14, width=24, asked=ASKED):
    motion.moves(function, asked, height, width)


def test_a_right_motion_passes():
    moved_as(by(lambda dx, dy, angle: (dx, dy, angle)))
    moved_as(by(lambda dx, dy, angle: (dx + 1e-6, dy, angle)))


def cut_off(images, transforms):
    return warps.rigid(images, *transforms.unbind(1))[:, :, 1:]


def same_for_all(images, transforms):
    return warps.rigid(images, *transforms[:1].expand(len(images), 3).unbind(1))


def shifted_first(images, transforms):
    dx, dy, angle = transforms.unbind(1)
    return warps.rigid(warps.rigid(images, dx, dy, 0 * angle), 0 * dx, 0 * dy, angle)


def stretched(images, transforms, mode="bilinear"):
    """The rotation in grid units."""
    dx, dy, angle = transforms.unbind(1)
    c, s = torch.deg2rad(angle).cos(), torch.deg2rad(angle).sin()
    right, down = 2 * dx / images.shape[3], 2 * dy / images.shape[2]
    first, second = torch.stack([c, -s, s * down - c * right], 1), torch.stack([s, c, -s * right - c * down], 1)
    grid = F.affine_grid(torch.stack([first, second], 1), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, mode=mode, align_corners=False)


def nearest(images, transforms):
    """On a square image."""
    return stretched(images, transforms, mode="nearest")


def repeated_outside(images, transforms):
    dx, dy, angle = transforms.unbind(1)
    return warps.rigid(F.pad(images, (20, 20, 20, 20), mode="replicate"), dx, dy, angle)[:, :, 20:-20, 20:-20]


@pytest.mark.parametrize(
    "function, pattern",
    [
        (lambda images, transforms: None, "returned None"),
        (cut_off, r"returned shape \(4, 3, 13, 24\)"),
        (lambda images, transforms: images, "image 1 .* for 2 px to the right, -1 px down, 0°: it came back as it was"),
        (by(lambda dx, dy, angle: (-dx, -dy, -angle)), r"moves by \(-2.000, 1.000\) pixels, the wrong way"),
        (by(lambda dx, dy, angle: (dy, dx, angle)), "right and down are swapped"),
        (by(lambda dx, dy, angle: (dx * 23 / 24, dy * 23 / 24, angle)), r"moves by \(1.917, -0.958\) pixels: nearly"),
        (by(lambda dx, dy, angle: (dx + 0.5, dy - 0.5, angle)), "half a pixel off"),
        (by(lambda dx, dy, angle: (dx, dy, -angle)), "image 2 .* turns clockwise"),
        (by(lambda dx, dy, angle: (dx, dy, torch.rad2deg(angle))), "degrees are taken for radians"),
        (by(lambda dx, dy, angle: (dx, dy, 0 * angle)), "came back as it was"),
        (by(lambda dx, dy, angle: (dx, dy, angle / 2)), "it turns by 10.000°"),
        (shifted_first, "image 3 .* shifted first and then turned"),
        (stretched, "sheared and stretched"),
        (repeated_outside, "nothing black comes in"),
        (lambda images, transforms: 0 * images, "hardly a pixel of the picture is left"),
    ],
)
def test_how_a_motion_differs(function, pattern):
    function.__name__ = "rotate_translate"
    with says(pattern):
        moved_as(function)


def test_nearest_pixels_are_no_motion():
    with says("image 2 .* not the picture turned and shifted as a whole, bilinear"):
        motion.moves(nearest, ASKED, 20, 20)


def test_one_transform_for_the_batch():
    with says("image 1 .* it got the transform of image 0"):
        moved_as(same_for_all, asked=[(2, 1, 0), (-1, 0, 10)])


def test_mixed_conventions_are_seen_in_an_image_that_should_not_move():
    def rotate_translate(images, transforms):
        grid = F.affine_grid(torch.eye(2, 3).double().expand(len(images), 2, 3), list(images.shape), align_corners=True)
        return F.grid_sample(images, grid, align_corners=False)

    with says("becomes 0.9583 times as wide and 0.9286 times as high"):
        moved_as(rotate_translate)


def test_moved_is_the_rigid_motion_and_its_transpose():
    generator = seeded()
    images, others = torch.rand(2, 5, 2, 4, 4, generator=generator, dtype=torch.float64)
    transforms = torch.tensor([[0, 0, 0], [1, -2, 0], [0, 0, 90], [-1, 1, 180], [2, 0, -90]], dtype=torch.float64)
    there = motion.moved(images, transforms)
    torch.testing.assert_close(there, warps.rigid(images, *transforms.unbind(1)))
    back = motion.moved(others, transforms, adjoint=True)
    torch.testing.assert_close((there * others).sum((1, 2, 3)), (images * back).sum((1, 2, 3)))
    for transform in ([0.5, 0, 0], [0, 0, 45]):
        with pytest.raises(ValueError, match="whole pixels and quarter turns"):
            motion.moved(images[:1], torch.tensor([transform]))


LOSSES = torch.tensor([[0.1, 0.3, 2.0, 0.2], [0.9, 0.2, 0.4, 0.3], [3.0, 0.5, 0.5, 1.5], [0.8, 0.1, 0.6, 0.9]])
FOOLED = torch.tensor([[0, 0, 1, 0], [1, 0, 0, 0], [1, 0, 0, 1], [1, 0, 0, 1]]).bool()
IMAGES = torch.linspace(0.1, 0.9, 36).view(4, 1, 3, 3)
TRANSFORMS = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [-1, 0, 0]])
RIGHT = [1, 2, 0, 2]


def choose(chosen, images=None):
    chosen = torch.tensor(chosen) if type(chosen) is list else chosen
    if images is None:
        images = motion.moved(IMAGES, TRANSFORMS[chosen.clamp(0, 3)])
    motion.chooses(chosen, images, IMAGES, TRANSFORMS, LOSSES, FOOLED)


def test_a_right_choice_passes():
    choose(RIGHT)
    choose(torch.tensor(RIGHT, dtype=torch.int32))


@pytest.mark.parametrize(
    "chosen, pattern",
    [
        ([3, 2, 0, 2], "image 0 got transform 3, expected 1: 3 is the last of those that fool it, 1 the first"),
        ([2, 2, 0, 2], "image 0 got transform 2, expected 1: 2 has the largest mean loss over the batch|largest loss"),
        ([0, 2, 0, 2], "0 does not fool it, 1 does"),
        ([1, 0, 0, 2], "image 1 .* nothing fools it, and its loss is 0.3000 under 0 and 0.5000, the largest, under 2"),
        ([1, 2, 3, 2], "image 2 .* misclassified as it is"),
        ([2, 2, 2, 2], "2 has the largest mean loss over the batch"),
        ([4, 2, 0, 2], "image 0 got transform 4; there are 0 to 3"),
    ],
)
def test_how_a_choice_differs(chosen, pattern):
    with says(pattern):
        choose(chosen)


def test_chosen_rightly_but_other_images():
    with says("image 0 chose transform 1 but came back as it was"):
        choose(RIGHT, IMAGES)
    with says("image 1 chose transform 2 but is not the image under that transform"):
        choose(RIGHT, motion.moved(IMAGES, TRANSFORMS[torch.tensor([1, 3, 0, 2])]))
    with says("second result.* returned a list"):
        motion.chooses(RIGHT, IMAGES, IMAGES, TRANSFORMS, LOSSES, FOOLED)
    with says("second result.* returned torch.float32"):
        choose(torch.tensor(RIGHT).float(), IMAGES)


def test_tensors_of_values():
    right = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    checks.values(right + 1e-8, right, "gradient", {"that is the sum": 2 * right})
    with says("^gradient: that is the sum$"):
        checks.values(2 * right, right, "gradient", {"it is negative": -right, "that is the sum": 2 * right})
    with says(r"gradient gives 5 at \(1, 0\), expected 3"):
        checks.values(torch.tensor([[1.0, 2.5], [5.0, 4.0]]), right, "gradient")
