"""Checks of motions along a field and of attacks that stir: where each pixel is read, how far the image moves.

A field is ``(N, 2, H, W)``: channel 0 along columns to the right, channel 1 along rows downwards, in pixels.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from advcourse.grading.checks import fail, tensor
from advcourse.grading.fields import WRONG_WAY

SINGLE = 1e-4
"""Rounding of a place that was computed in float32, in pixels."""


def _coordinates(count: int, height: int, width: int) -> tuple[Tensor, Tensor, Tensor]:
    """Images that hold the coordinates of their pixels, these coordinates, and the size to which they are scaled."""
    size = torch.tensor([width, height], dtype=torch.float64).view(2, 1, 1)
    v, u = torch.meshgrid(torch.arange(height).double(), torch.arange(width).double(), indexing="ij")
    here = torch.stack([u, v])
    image = torch.cat([here / size, torch.ones(1, height, width, dtype=torch.float64)])
    return image.expand(count, -1, -1, -1).clone(), here, size


def drifts(function: Callable, drift: Tensor, height: int, width: int, t: float, steps: int) -> None:
    """``function(images, field, t, steps)`` reads at p - t v along fields that are the same at all pixels.

    Args:
        drift: ``(N, 2)``, the field of each image: to the right, and down.
    """
    name = function.__name__
    images, here, size = _coordinates(len(drift), height, width)
    field = drift.view(-1, 2, 1, 1).expand(-1, 2, height, width).clone()
    result = tensor(function(images.clone(), field.clone(), t, steps), name, shape=images.shape, dtype=images.dtype)
    read, move = result[:, :2] * size, t * field

    def near(place: Tensor, error: float = SINGLE) -> bool:
        return bool((read - torch.minimum(place.clamp(min=0), size - 1)).abs().max() < error)

    right = here - move
    asked = f"{name}, {height} x {width} pixels, the same field everywhere, t = {t:g}, steps = {steps}"
    if near(right, 1e-8):
        return
    inside = (result[:, 2:] > 1 - SINGLE / 100).expand_as(read)
    if (result[:, 2] < 1 - SINGLE).any() and inside.any() and (read - right)[inside].abs().max() < SINGLE:
        fail(f"{asked}: black comes in from outside; the border is repeated there (padding_mode='border')")
    edges, corners = size / (size - 1), (size - 1) / size
    mixed = "the grid is made by one convention of align_corners and read by the other"
    scaled = "nearly. A pixel is 2 / W in the units of grid_sample where -1 and 1 are the edges of the image, "
    scaled += "2 / (W - 1) where they are the centres of the outer pixels (H for the rows)"
    places = {
        "nearly: that is the rounding of float32. Create the grid with the images' dtype, as in "
        "`torch.arange(width).to(images)` or `torch.linspace(-1, 1, width, dtype=images.dtype)`": right,
        "it reads at p + t v: the picture moves against the field. Each pixel shows where it came from": here + move,
        "the images came back as they were": here.expand_as(move),
        "each step is as long as the whole way: a step takes t / steps of the time": here - steps * move,
        "only one step of t / steps is taken": here - move / steps,
        "one step too many is taken": here - move * (steps + 1) / steps,
        "one step is missing": here - move * (steps - 1) / steps,
        "right and down are swapped: channel 0 of the field is to the right, along the columns": here - move.flip(1),
        "t is ignored": here - field,
        "every image is moved by the field of image 0": here - move[:1].expand_as(move),
        mixed: right * edges - 0.5,
        f"{mixed} ": (right + 0.5) * corners,
        scaled: here - move * edges,
        f"{scaled} ": here - move * corners,
        "the field is added in the units of grid_sample, not in pixels": here - move * size / 2,
        "the field is added in the units of grid_sample, not in pixels ": here - move * (size - 1) / 2,
        "W and H are swapped where pixels become units of grid_sample": here - move * size / size.flip(0),
        "W and H are swapped where pixels become units of grid_sample ": here - move * (size - 1) / (size - 1).flip(0),
        "it is half a pixel off": right + 0.5,
        "it is half a pixel off ": right - 0.5,
        "it reads the nearest pixel; between pixels it is to be bilinear": right.round(),
    }
    for explanation, place in places.items():
        if near(place):
            fail(f"{asked}: {explanation.strip()}")
    off = (read - torch.minimum(right.clamp(min=0), size - 1)).abs().amax(1)
    k, i, j = (int(n) for n in torch.unravel_index(off.argmax(), off.shape))
    fail(
        f"{asked}: the pixel in row {i}, column {j} of image {k} is read at row {read[k, 1, i, j]:.3f}, column "
        f"{read[k, 0, i, j]:.3f}; p - t v is row {right[k, 1, i, j]:.3f}, column {right[k, 0, i, j]:.3f}"
    )


def revolves(function: Callable, matrix: Tensor, height: int, width: int, t: float, steps: int) -> None:
    """``function(images, field, t, steps)`` follows v(p) = A (p - centre) in ``steps`` steps: (I - t A / steps)^steps.

    Only pixels whose way lies in the image are looked at: there the field between its pixels is exact.

    Args:
        matrix: A, ``(2, 2)``.
    """
    name = function.__name__
    images, here, size = _coordinates(1, height, width)
    middle = (size - 1) / 2
    offset = (here - middle).flatten(1)
    field = (matrix @ offset).view(1, 2, height, width)
    result = tensor(function(images.clone(), field.clone(), t, steps), name, shape=images.shape, dtype=images.dtype)
    read, eye = (result[0, :2] * size - middle).flatten(1), torch.eye(2, dtype=torch.float64)

    def way(step: Tensor, times: int) -> tuple[Tensor, Tensor]:
        """Where each pixel is read, and whether it stays in the image on its way there."""
        places = [torch.linalg.matrix_power(step, k) @ offset for k in range(times + 1)]
        return places[-1], torch.stack([(p.abs() <= middle.view(2, 1)).all(0) for p in places]).all(0)

    small = t / steps * matrix
    exact = torch.linalg.matrix_exp(-t * matrix)
    ways = {
        "": way(eye - small, steps),
        "every step takes the field at p, where the way begins; take it at the place that has been reached": way(
            eye - t * matrix, 1
        ),
        "the picture moves against the field: go backwards, by - t / steps times the field": way(eye + small, steps),
        "each step is as long as the whole way: a step takes t / steps of the time": way(eye - t * matrix, steps),
        "only one step of t / steps is taken": way(eye - small, 1),
        "one step too many is taken": way(eye - small, steps + 1),
        "one step is missing": way(eye - small, steps - 1),
        "right and down are swapped": way(eye - small.flip(0), steps),
        "that is the exact way, not that of straight steps": (exact @ offset, way(eye - small, steps)[1]),
    }
    asked = f"{name}, {height} x {width} pixels, a field that turns, t = {t:g}, steps = {steps}"
    for explanation, (place, inside) in ways.items():
        if inside.sum() >= 4 and (place - read)[:, inside].abs().max() < 1e-6:
            return fail(f"{asked}: {explanation}") if explanation else None
    place, inside = ways[""]
    off = torch.where(inside, (place - read).abs().amax(0), 0)
    n = int(off.argmax())
    (x, y), (u, v) = (read[:, n] + middle.view(2)).tolist(), (place[:, n] + middle.view(2)).tolist()
    fail(
        f"{asked}: the pixel in row {n // width}, column {n % width} is read at row {y:.3f}, column {x:.3f}; its way "
        f"leads to row {v:.3f}, column {u:.3f}"
    )


def attacked(adversarial: Tensor, images: Tensor, field: Tensor, size: float, moved: Callable, name: str) -> None:
    """The images moved along the field, scaled image by image to that root mean square displacement.

    Args:
        adversarial: what the student's attack returned.
        images: ``(N, C, H, W)``.
        field: ``(N, 2, H, W)``, of any length.
        size: in pixels.
        moved: takes a field to the images moved along it.
    """
    length = field.norm(dim=1)
    each = length.square().mean((1, 2)).sqrt()

    def by(measure: Tensor, sign: float = 1.0) -> Tensor:
        measure = measure.view(-1, 1, 1, 1)
        return moved(sign * field * torch.where(measure > 0, size / measure, 0))

    results = {
        "": by(each),
        WRONG_WAY: by(each, -1),
        "the images came back as they were": images,
        "the field is not scaled": moved(field),
        "the field is multiplied by the size, but not divided by its own": moved(size * field),
        "one scale for the whole batch: each image is to move by the size": by(
            each.square().mean().sqrt().expand_as(each)
        ),
        "one scale for the whole batch, that of the image that moves most": by(each.max().expand_as(each)),
        "the longest displacement is scaled to the size; it is the root of the mean square that counts": (
            by(length.amax((1, 2)))
        ),
        "the mean length is scaled to the size; it is the root of the mean square that counts": (
            by(length.mean((1, 2)))
        ),
        "the mean is taken over the pixels and both components; a displacement is a vector, one per pixel": (
            by(field.square().mean((1, 2, 3)).sqrt())
        ),
        "the sum of the squares is scaled, not their mean: divide by the number of pixels": (
            by(field.flatten(1).norm(dim=1))
        ),
        "the root is missing: the mean square itself is scaled to the size": by(each.square()),
        "each component is clipped to the size, which lets pixels squeeze again; scale the whole field instead": (
            moved(field.clamp(-size, size))
        ),
        "every pixel moves equally far: scale by one number per image, not by one per pixel": (
            moved(F.normalize(field, dim=1, eps=1e-300) * size)
        ),
        "the field shrinks where it is too long, but does not grow where it is short": (
            moved(field * (size / each).clamp(max=1).view(-1, 1, 1, 1))
        ),
    }
    for explanation, place in results.items():
        if torch.allclose(adversarial, place, rtol=0, atol=1e-6):
            return fail(f"{name}: {explanation}") if explanation else None
    off = (adversarial - results[""]).abs()
    place = tuple(int(i) for i in torch.unravel_index(off.argmax(), off.shape))
    fail(
        f"{name}: pixel {place} (image, channel, row, column) became {adversarial[place]:.4f}, expected "
        f"{results[''][place]:.4f} (it was {images[place]:.4f})"
    )
