"""What the checks of slanted and shifted images say, and that their toys are what their formulas say."""

import pytest
import torch
import torch.nn.functional as F

from advcourse.grading import checks, motion
from tests.support.refusals import says
from tests.support.scenes import seeded

ASKED = [(0, 0, 0), (2, -1, 0), (0, 0, 0.25), (3, 1, -0.5)]


def by(change, *, mode="bilinear", padding="zeros", about=0.5, align=False, aspect=False):
    """A function that moves the images as asked, but for `change` of the three columns of the transforms."""

    def slant_translate(images, transforms):
        height, width = images.shape[2:]
        dx, dy, slant = (each[:, None, None] for each in change(*transforms.to(images).unbind(1)))
        y, x = torch.meshgrid(torch.arange(height).to(images), torch.arange(width).to(images), indexing="ij")
        v = y - dy
        u = x - dx - slant * (height / width if aspect else 1) * (about * (height - 1) - v)
        grid = torch.stack([(2 * u + 1) / width - 1, ((2 * v + 1) / height - 1).expand_as(u)], -1)
        return F.grid_sample(images, grid, mode=mode, padding_mode=padding, align_corners=align)

    return slant_translate


def same(dx, dy, slant):
    return dx, dy, slant


def moved_as(function, *, height=14, width=24, asked=ASKED):
    function.__name__ = "slant_translate"
    motion.moves(function, asked, height, width)


def test_a_right_motion_passes():
    moved_as(by(same))
    moved_as(by(lambda dx, dy, slant: (dx + 1e-6, dy, slant)))


def cut_off(images, transforms):
    return by(same)(images, transforms)[:, :, 1:]


def for_the_batch(images, transforms):
    return by(same)(images, transforms[:1].expand(len(images), 3))


def columns_moved(images, transforms):
    flipped = by(lambda dx, dy, slant: (dy, dx, slant))(images.mT.contiguous(), transforms)
    return flipped.mT


@pytest.mark.parametrize(
    "function, pattern",
    [
        (lambda images, transforms: None, "returned None"),
        (cut_off, r"returned shape \(4, 3, 13, 24\)"),
        (lambda images, transforms: images, "image 1 .* for 2 px to the right, -1 px down, .*: it came back as it was"),
        (by(lambda dx, dy, k: (-dx, -dy, k)), r"moves by \(-2.000, 1.000\) pixels, the wrong way"),
        (by(lambda dx, dy, k: (dy, dx, k)), "right and down are swapped"),
        (by(lambda dx, dy, k: (dx * 23 / 24, dy * 23 / 24, k)), r"moves by \(1.917, -0.958\) pixels: nearly"),
        (by(lambda dx, dy, k: (dx + 0.5, dy - 0.5, k)), "half a pixel off"),
        (by(lambda dx, dy, k: (dx, dy, -k)), "image 2 .* leans to the left"),
        (by(lambda dx, dy, k: (dx, dy, 0 * k)), "came back as it was"),
        (by(lambda dx, dy, k: (dx + 1, dy, 0 * k), about=0.5), "moves by"),
        (by(lambda dx, dy, k: (dx, dy, k / 2)), "it is slanted by 0.1250 pixels per row"),
        (by(same, aspect=True), "In grid units a pixel is not as wide as it is high"),
        (by(same, about=0.0), "the first or the last row stays where it is"),
        (by(same, about=1 / 2 + 1 / 26), r"the middle row is \(H - 1\) / 2, not H / 2"),
        (by(lambda dx, dy, k: (dx - k * dy, dy, k)), "image 3 .* shifted first and then slanted"),
        (by(same, padding="border"), "nothing black comes in"),
        (columns_moved, "columns move up and down"),
        (lambda images, transforms: 0 * images, "hardly a pixel of the picture is left"),
    ],
)
def test_how_a_motion_differs(function, pattern):
    with says(pattern):
        moved_as(function)


def test_nearest_pixels_are_no_motion():
    with says("image 2 .* not the picture slanted and shifted as a whole, bilinear"):
        moved_as(by(same, mode="nearest"), height=20, width=20)


def test_one_transform_for_the_batch():
    with says("image 1 .* it got the transform of image 0"):
        moved_as(for_the_batch, asked=[(2, 1, 0), (-1, 0, 0.2)])


def test_mixed_conventions_are_seen_in_an_image_that_should_not_move():
    with says("becomes 1.0435 times as wide and 1.0769 times as high"):
        moved_as(by(same, align=True))


def test_moved_is_the_motion_and_its_transpose():
    generator = seeded()
    images, others = torch.rand(2, 5, 2, 5, 4, generator=generator, dtype=torch.float64)
    transforms = torch.tensor([[0, 0, 0], [1, -2, 0], [0, 0, 1], [-1, 1, -1], [2, 0, 0.5]], dtype=torch.float64)
    transforms[4] = torch.tensor([1, 0, -2])
    there = motion.moved(images, transforms)
    torch.testing.assert_close(there, by(same)(images, transforms))
    back = motion.moved(others, transforms, adjoint=True)
    torch.testing.assert_close((there * others).sum((1, 2, 3)), (images * back).sum((1, 2, 3)))
    for transform in ([0.5, 0, 0], [0, 0, 0.3], [0, 0.5, 0]):
        with pytest.raises(ValueError, match="moves rows by whole pixels"):
            motion.moved(images[:1], torch.tensor([transform]))


# Of three classes, the label 0: its lead over the stronger of the two others, and over both.
LOGITS = torch.tensor(
    [
        [[3.0, 0, 0], [2, 1, 0.9], [0, 1, 0], [3, 0, 0]],
        [[0, 1, 0], [2, 1.2, -9], [3, 0, 0], [3, 1, 0]],
        [[0, 3, 0], [2, -9, 0.1], [3, 0, 0], [0, 2, 0]],
        [[0, 2, 0], [2, 0, 0], [3, 0, 0], [0, 1, 0]],
    ]
)
LABELS = torch.zeros(4).long()
IMAGES = torch.linspace(0.1, 0.9, 36).view(4, 1, 3, 3)
TRANSFORMS = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [-1, 0, 0]])
RIGHT = [1, 1, 0, 2]


def choose(chosen, images=None):
    chosen = torch.tensor(chosen) if type(chosen) is list else chosen
    if images is None:
        images = motion.moved(IMAGES, TRANSFORMS[chosen.clamp(0, 3)])
    motion.chooses(chosen, images, IMAGES, TRANSFORMS, LOGITS, LABELS)


def test_a_right_choice_passes():
    choose(RIGHT)
    choose(torch.tensor(RIGHT, dtype=torch.int32))


@pytest.mark.parametrize(
    "chosen, pattern",
    [
        ([3, 1, 0, 2], "image 0 got transform 3, expected 1: 3 is the last of those that fool it, 1 the first"),
        ([2, 1, 0, 2], "image 0 got transform 2, expected 1: 2 has the smallest margin or the largest loss"),
        ([0, 1, 0, 2], "0 does not fool it, 1 does"),
        (
            [1, 0, 0, 2],
            "image 1 .* its margin is 1.0000 under 0 .that is the one of largest loss. and 0.8000, the smal",
        ),
        (
            [1, 3, 0, 2],
            "image 1 .* nothing fools it, and its margin is 2.0000 under 3 and 0.8000, the smallest, under 1",
        ),
        ([1, 1, 3, 2], "image 2 .* misclassified as it is"),
        ([2, 2, 2, 2], "2 is the worst on average over the batch"),
        ([4, 1, 0, 2], "image 0 got transform 4; there are 0 to 3"),
    ],
)
def test_how_a_choice_differs(chosen, pattern):
    with says(pattern):
        choose(chosen)


def test_chosen_rightly_but_other_images():
    with says("image 0 chose transform 1 but came back as it was"):
        choose(RIGHT, IMAGES)
    with says("image 1 chose transform 1 but is not the image under that transform"):
        choose(RIGHT, motion.moved(IMAGES, TRANSFORMS[torch.tensor([1, 3, 0, 2])]))
    with says("second result.* returned a list"):
        motion.chooses(RIGHT, IMAGES, IMAGES, TRANSFORMS, LOGITS, LABELS)
    with says("second result.* returned torch.float32"):
        choose(torch.tensor(RIGHT).float(), IMAGES)


def test_tensors_of_values():
    right = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    checks.values(right + 1e-8, right, "gradient", {"that is the sum": 2 * right})
    with says("^gradient: that is the sum$"):
        checks.values(2 * right, right, "gradient", {"it is negative": -right, "that is the sum": 2 * right})
    with says(r"gradient gives 5 at \(1, 0\), expected 3"):
        checks.values(torch.tensor([[1.0, 2.5], [5.0, 4.0]]), right, "gradient")
