"""Checks of functions that turn and shift images: they measure what the picture did, and say how that differs.

A transform is a row ``(dx, dy, angle)``: pixels to the right, pixels down, degrees counter-clockwise as displayed; the
picture is turned about its centre, then shifted.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from advcourse.grading.checks import fail, tensor

NEAR = 1e-4
"""Pixels, or entries of a rotation: what is further off is wrong, also in float32."""


def moved(images: Tensor, transforms: Tensor, *, adjoint: bool = False) -> Tensor:
    """The images under transforms of whole pixels and quarter turns: pixels copied, black coming in.

    Args:
        images: ``(N, C, H, W)``, square where one is turned by 90° or 270°; shifts are smaller than the image.
        transforms: ``(N, 3)``, whole pixels and multiples of 90°.
        adjoint: the transposed linear map instead, which takes the gradient of a function of the moved image back to
            the image: shifted the other way, then turned back.
    """
    results = []
    for image, transform in zip(images, transforms.tolist(), strict=True):
        dx, dy, turns = round(transform[0]), round(transform[1]), round(transform[2] / 90)
        if max(abs(dx - transform[0]), abs(dy - transform[1]), abs(90 * turns - transform[2])) > NEAR:
            raise ValueError(f"transform is {transform}, expected whole pixels and quarter turns")
        if adjoint:
            results.append(torch.rot90(F.pad(image, (-dx, dx, -dy, dy)), -turns, (1, 2)))
        else:
            results.append(F.pad(torch.rot90(image, turns, (1, 2)), (dx, -dx, dy, -dy)))
    return torch.stack(results)


def moves(function: Callable, transforms: list[tuple[float, float, float]], height: int, width: int) -> None:
    """``function(images, transforms)`` moves each image of a batch by its own transform; otherwise says what it does.

    The images hold the coordinates of their pixels, so the result says of every pixel where it was read.
    """
    name = function.__name__
    rows = torch.tensor(transforms, dtype=torch.float64)
    v, u = torch.meshgrid(torch.arange(height).double(), torch.arange(width).double(), indexing="ij")
    middle = torch.tensor([(width - 1) / 2, (height - 1) / 2], dtype=torch.float64)
    image = torch.stack([u / width, v / height, torch.ones_like(u)])
    images = image.expand(len(rows), -1, -1, -1).clone()
    result = tensor(function(images.clone(), rows.clone()), name, shape=images.shape, dtype=images.dtype)
    here = torch.stack([u, v], -1) - middle
    expected = [(_rotation(angle), torch.tensor([dx, dy]).double()) for dx, dy, angle in transforms]
    for k in range(len(rows)):
        inside = (result[k, 2] > 1 - 1e-9) & (result[k, 2] < 1 + 1e-9)
        read = torch.stack([result[k, 0] * width, result[k, 1] * height], -1)[inside] - middle
        place = torch.cat([here[inside], torch.ones(int(inside.sum()), 1).double()], 1)
        asked = f"{name}, image {k} of {height} x {width} pixels, asked for {_words(*transforms[k])}"
        origin = (here - expected[k][1]) @ expected[k][0]  # where each pixel should be read, from the middle
        if transforms[k] != (0, 0, 0) and _near(result[k], images[k]):
            fail(f"{asked}: it came back as it was. Is every image of the batch moved by its own transform?")
        if inside.all() and (origin.abs() > middle + 1).any():
            fail(f"{asked}: nothing black comes in. What lies outside the image is read as 0")
        if len(read) < 6 or torch.linalg.matrix_rank(place) < 3:
            fail(f"{asked}: hardly a pixel of the picture is left (read with weights that add up to 1)")
        fitted = torch.linalg.lstsq(place, read).solution
        if (place @ fitted - read).abs().max() > NEAR or torch.linalg.det(fitted[:2]).abs() < 1e-6:
            fail(f"{asked}: the result is not the picture turned and shifted as a whole, bilinear between its pixels")
        # read = M place + m  is  place = turn read + shift.
        turn = torch.linalg.inv(fitted[:2].T)
        shift = -turn @ fitted[2]
        if _near(turn, expected[k][0]) and _near(shift, expected[k][1]):
            continue
        if k and _near(turn, expected[0][0]) and _near(shift, expected[0][1]):
            fail(f"{asked}: it got the transform of image 0. Every image of the batch has a transform of its own")
        fail(f"{asked}: {_turn_differs(turn, transforms[k][2]) or _shift_differs(shift, *expected[k])}")


def _turn_differs(turn: Tensor, angle: float) -> str | None:
    right = _rotation(angle)
    if _near(turn, right):
        return None
    if _near(turn, torch.eye(2).double()):
        return "the picture is not turned"
    if _near(turn, right.T):
        return "it turns clockwise: the wrong way round (v points down, and the grid asks where a pixel comes from)"
    if any(_near(turn, _rotation(sign * math.degrees(angle))) for sign in (1, -1)):
        return "the degrees are taken for radians"
    zoom = turn @ right.T
    if (zoom - zoom.diag().diag()).abs().max() < NEAR:
        return (
            f"the picture becomes {zoom[0, 0]:.4f} times as wide and {zoom[1, 1]:.4f} times as high: is the grid "
            "made by one convention (align_corners) and read by the other, or are H and W swapped?"
        )
    if not _near(turn @ turn.T, torch.eye(2).double()):
        return (
            "it is sheared and stretched. In grid units a pixel is not as wide as it is high, unless the image is "
            "square: turn in pixels, and convert afterwards"
        )
    return f"it turns by {math.degrees(math.atan2(turn[0, 1], turn[0, 0])):.3f}°"


def _shift_differs(shift: Tensor, right: Tensor, expected: Tensor) -> str:
    measured = f"it moves by ({shift[0]:.3f}, {shift[1]:.3f}) pixels"
    if _near(shift, -expected):
        return f"{measured}, the wrong way: the grid asks where a pixel comes from"
    if _near(shift, expected.flip(0)):
        return f"{measured}: right and down are swapped"
    if _near(shift, right @ expected):
        return f"{measured}: it is shifted first and then turned, so the shift is turned too"
    if _near(shift, right.T @ expected):
        return f"{measured}: the shift is turned with the picture"
    if _near((shift - expected).abs(), torch.full((2,), 0.5).double()):
        return f"{measured}, half a pixel off: the centre of the picture is at (W - 1) / 2, not at W / 2"
    moving = expected.abs() > NEAR
    if moving.any() and ((shift / expected)[moving] - 1).abs().max() < 0.5:
        return (
            f"{measured}: nearly. What is one pixel in grid units: 2 / W where -1 and 1 are the edges, "
            "2 / (W - 1) where they are the centres of the outer pixels"
        )
    return measured


def chooses(
    chosen: object, adversarial: object, images: Tensor, transforms: Tensor, losses: Tensor, fooled: Tensor
) -> None:
    """A grid search chose the first transform that fools, else that of largest loss, and returned those images.

    Args:
        chosen: what the student's ``grid_search`` returned as the indices of the transforms, ``(N,)``.
        adversarial: what it returned as the images.
        images: ``(N, C, H, W)``.
        transforms: ``(T, 3)``, whole pixels and quarter turns, the identity first.
        losses: ``(T, N)``, the loss of each image under each transform.
        fooled: ``(T, N)``, whether that transform fools the model.
    """
    name = "grid_search"
    if type(chosen) is Tensor and not (chosen.is_floating_point() or chosen.dtype == torch.bool):
        chosen = chosen.long()
    chosen = tensor(chosen, f"{name} (the second result)", shape=(len(images),), dtype=torch.int64)
    adversarial = tensor(adversarial, f"{name} (the first result)", shape=images.shape, dtype=images.dtype)
    one_for_all = int(losses.mean(1).argmax())
    for i, k in enumerate(chosen.tolist()):
        if not 0 <= k < len(transforms):
            fail(f"{name}: image {i} got transform {k}; there are 0 to {len(transforms) - 1}")
        largest, which = int(losses[:, i].argmax()), fooled[:, i].nonzero()[:, 0].tolist()
        right = which[0] if which else largest
        if k == right:
            continue
        asked = f"{name}: image {i} got transform {k}, expected {right}"
        if fooled[0, i]:
            fail(f"{asked}: it is misclassified as it is, so the identity is the first that fools, and it stays")
        if len(set(chosen.tolist())) == 1 and k == one_for_all:
            fail(f"{asked}: {k} has the largest mean loss over the batch. Every image has a choice of its own")
        if which and k == which[-1] != largest:
            fail(f"{asked}: {k} is the last of those that fool it, {right} the first")
        if which and k == largest:
            fail(f"{asked}: {k} has the largest loss, but {right} fools it earlier in the order")
        if which and not fooled[k, i]:
            fail(f"{asked}: {k} does not fool it, {right} does")
        if not which:
            fail(
                f"{asked}: nothing fools it, and its loss is {losses[k, i]:.4f} under {k} and "
                f"{losses[right, i]:.4f}, the largest, under {right}"
            )
        fail(asked)
    for i, expected in enumerate(moved(images, transforms[chosen])):
        if (adversarial[i] - expected).abs().max() > NEAR:
            same = (adversarial[i] - images[i]).abs().max() < NEAR
            fail(
                f"{name}: image {i} chose transform {int(chosen[i])} but "
                + ("came back as it was" if same else "is not the image under that transform")
            )


def _rotation(angle: float) -> Tensor:
    """By ``angle`` degrees counter-clockwise as displayed, of (right, down)."""
    c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    return torch.tensor([[c, s], [-s, c]], dtype=torch.float64)


def _near(a: Tensor, b: Tensor) -> bool:
    return bool((a - b).abs().max() < NEAR)


def _words(dx: float, dy: float, angle: float) -> str:
    return f"{dx:g} px to the right, {dy:g} px down, {angle:g}°"
