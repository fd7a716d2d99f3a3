"""Checks of functions that slant and shift images: they measure what the picture did, and say how that differs.

A transform is a row ``(dx, dy, slant)``: pixels to the right, pixels down, pixels to the right per row of height above
the middle row; the picture is slanted, then shifted.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from advcourse.grading.checks import fail, tensor

NEAR = 1e-4
"""Pixels, or entries of a slant: what is further off is wrong, also in float32."""


def moved(images: Tensor, transforms: Tensor, *, adjoint: bool = False) -> Tensor:
    """The images under transforms that move every row by whole pixels: pixels copied, black coming in.

    Args:
        images: ``(N, C, H, W)``.
        transforms: ``(N, 3)``, such that dy and, for every row, dx + slant times its height are whole numbers.
        adjoint: the transposed linear map instead, which takes the gradient of a function of the moved image back to
            the image.
    """
    height, width = images.shape[2:]
    results = torch.zeros_like(images)
    for k, (dx, dy, slant) in enumerate(transforms.tolist()):
        for row in range(height):
            across = dx + slant * ((height - 1) / 2 - row)
            right, down = round(across), round(dy)
            if abs(right - across) > NEAR or abs(down - dy) > NEAR:
                raise ValueError(f"transform is {transforms[k].tolist()}, expected one that moves rows by whole pixels")
            for column in range(width):
                i, j = row + down, column + right
                if 0 <= i < height and 0 <= j < width:
                    here, there = (k, slice(None), row, column), (k, slice(None), i, j)
                    here, there = (there, here) if adjoint else (here, there)
                    results[there] = images[here]
    return results


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
    expected = [(_slanting(slant), torch.tensor([dx, dy]).double()) for dx, dy, slant in transforms]
    for k in range(len(rows)):
        inside = (result[k, 2] > 1 - 1e-9) & (result[k, 2] < 1 + 1e-9)
        read = torch.stack([result[k, 0] * width, result[k, 1] * height], -1)[inside] - middle
        place = torch.cat([here[inside], torch.ones(int(inside.sum()), 1).double()], 1)
        asked = f"{name}, image {k} of {height} x {width} pixels, asked for {_words(*transforms[k])}"
        origin = (here - expected[k][1]) @ _slanting(-transforms[k][2]).T  # where each pixel should be read
        if transforms[k] != (0, 0, 0) and _near(result[k], images[k]):
            fail(f"{asked}: it came back as it was. Is every image of the batch moved by its own transform?")
        if inside.all() and (origin.abs() > middle + 1).any():
            fail(f"{asked}: nothing black comes in. What lies outside the image is read as 0")
        if len(read) < 6 or torch.linalg.matrix_rank(place) < 3:
            fail(f"{asked}: hardly a pixel of the picture is left (read with weights that add up to 1)")
        fitted = torch.linalg.lstsq(place, read).solution
        if (place @ fitted - read).abs().max() > NEAR or torch.linalg.det(fitted[:2]).abs() < 1e-6:
            fail(f"{asked}: the result is not the picture slanted and shifted as a whole, bilinear between its pixels")
        # read = M place + m  is  place = slant read + shift.
        slant = torch.linalg.inv(fitted[:2].T)
        shift = -slant @ fitted[2]
        if _near(slant, expected[k][0]) and _near(shift, expected[k][1]):
            continue
        if k and _near(slant, expected[0][0]) and _near(shift, expected[0][1]):
            fail(f"{asked}: it got the transform of image 0. Every image of the batch has a transform of its own")
        differs = _slant_differs(slant, transforms[k][2], height / width)
        fail(f"{asked}: {differs or _shift_differs(shift, transforms[k][2], expected[k][1], height)}")


def _slant_differs(slant: Tensor, asked: float, aspect: float) -> str | None:
    if _near(slant, _slanting(asked)):
        return None
    if _near(slant, torch.eye(2).double()):
        return "the picture is not slanted"
    if _near(slant, _slanting(-asked)):
        return "it leans to the left: the wrong way round (v points down, and the grid asks where a pixel comes from)"
    if any(_near(slant, _slanting(sign * asked).T) for sign in (1, -1)):
        return "columns move up and down: a slant moves rows sideways"
    zoom = slant @ _slanting(-asked)
    if (zoom - zoom.diag().diag()).abs().max() < NEAR:
        return (
            f"the picture becomes {zoom[0, 0]:.4f} times as wide and {zoom[1, 1]:.4f} times as high: is the grid "
            "made by one convention (align_corners) and read by the other, or are H and W swapped?"
        )
    measured = f"it is slanted by {-slant[0, 1]:.4f} pixels per row"
    if any(abs(-slant[0, 1] - asked * r) < NEAR for r in (aspect, 1 / aspect)):
        return (
            f"{measured}. In grid units a pixel is not as wide as it is high, unless the image is square: slant in "
            "pixels, and convert afterwards"
        )
    return measured


def _shift_differs(shift: Tensor, slant: float, expected: Tensor, height: int) -> str:
    measured = f"it moves by ({shift[0]:.3f}, {shift[1]:.3f}) pixels"
    extra = shift - expected
    if _near(shift, -expected):
        return f"{measured}, the wrong way: the grid asks where a pixel comes from"
    if _near(shift, expected.flip(0)):
        return f"{measured}: right and down are swapped"
    if _near(shift, _slanting(slant) @ expected):
        return (
            f"{measured}: it is shifted first and then slanted. The height that counts is that of the place in the old "
            "picture"
        )
    for sign in (1, -1):
        if _near(extra, torch.tensor([sign * slant * (height - 1) / 2, 0]).double()):
            return f"{measured}: the first or the last row stays where it is; it is the middle that does"
        if _near(extra, torch.tensor([sign * slant / 2, 0]).double()) and slant:
            return f"{measured}: the middle row is (H - 1) / 2, not H / 2"
    if _near(extra.abs(), torch.full((2,), 0.5).double()):
        return f"{measured}, half a pixel off: the centre of the picture is at (W - 1) / 2, not at W / 2"
    moving = expected.abs() > NEAR
    if moving.any() and ((shift / expected)[moving] - 1).abs().max() < 0.5:
        return (
            f"{measured}: nearly. What is one pixel in grid units: 2 / W where -1 and 1 are the edges, "
            "2 / (W - 1) where they are the centres of the outer pixels"
        )
    return measured


def chooses(
    chosen: object, adversarial: object, images: Tensor, transforms: Tensor, logits: Tensor, labels: Tensor
) -> None:
    """A grid search chose the first transform that fools, else that of smallest margin, and returned those images.

    Args:
        chosen: what the student's ``grid_search`` returned as the indices of the transforms, ``(N,)``.
        adversarial: what it returned as the images.
        images: ``(N, C, H, W)``.
        transforms: ``(T, 3)``, such as ``moved`` takes, the identity first.
        logits: ``(T, N, K)``, of each image under each transform.
        labels: ``(N,)``.
    """
    name = "grid_search"
    index = labels.expand(len(transforms), -1)[..., None]
    losses = -logits.log_softmax(2).gather(2, index)[..., 0]
    fooled = logits.argmax(2) != labels
    margins = (logits.gather(2, index) - logits).scatter(2, index, torch.inf).amin(2)
    if type(chosen) is Tensor and not (chosen.is_floating_point() or chosen.dtype == torch.bool):
        chosen = chosen.long()
    chosen = tensor(chosen, f"{name} (the second result)", shape=(len(images),), dtype=torch.int64)
    adversarial = tensor(adversarial, f"{name} (the first result)", shape=images.shape, dtype=images.dtype)
    for i, k in enumerate(chosen.tolist()):
        if not 0 <= k < len(transforms):
            fail(f"{name}: image {i} got transform {k}; there are 0 to {len(transforms) - 1}")
        smallest, largest = int(margins[:, i].argmin()), int(losses[:, i].argmax())
        which = fooled[:, i].nonzero()[:, 0].tolist()
        right = which[0] if which else smallest
        if k == right:
            continue
        asked = f"{name}: image {i} got transform {k}, expected {right}"
        if fooled[0, i]:
            fail(f"{asked}: it is misclassified as it is, so the identity is the first that fools, and it stays")
        if len(set(chosen.tolist())) == 1 and k in (int(margins.mean(1).argmin()), int(losses.mean(1).argmax())):
            fail(f"{asked}: {k} is the worst on average over the batch. Every image has a choice of its own")
        if which and k == which[-1] != smallest:
            fail(f"{asked}: {k} is the last of those that fool it, {right} the first")
        if which and k in (smallest, largest):
            fail(f"{asked}: {k} has the smallest margin or the largest loss, but {right} fools it earlier in the order")
        if which and not fooled[k, i]:
            fail(f"{asked}: {k} does not fool it, {right} does")
        if not which:
            other = " (that is the one of largest loss)" if k == largest else ""
            fail(
                f"{asked}: nothing fools it, and its margin is {margins[k, i]:.4f} under {k}{other} and "
                f"{margins[right, i]:.4f}, the smallest, under {right}"
            )
        fail(asked)
    for i, expected in enumerate(moved(images, transforms[chosen])):
        if (adversarial[i] - expected).abs().max() > NEAR:
            same = (adversarial[i] - images[i]).abs().max() < NEAR
            fail(
                f"{name}: image {i} chose transform {int(chosen[i])} but "
                + ("came back as it was" if same else "is not the image under that transform")
            )


def _slanting(slant: float) -> Tensor:
    """By ``slant`` pixels per row, of (right, down)."""
    return torch.tensor([[1.0, -slant], [0.0, 1.0]], dtype=torch.float64)


def _near(a: Tensor, b: Tensor) -> bool:
    return bool((a - b).abs().max() < NEAR)


def _words(dx: float, dy: float, slant: float) -> str:
    return f"{dx:g} px to the right, {dy:g} px down, a slant of {slant:g}"
